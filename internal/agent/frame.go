package agent

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"slices"

	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

// A frame is a message of the partials topic of a source topic that is split:
// either a run of accepted records of one slice from one source partition, in
// order of their offsets, or a claim that says how far a partition is in time.
//
//	frame  = version kind partition topic [stamping] (rows | claim)
//	rows   = start size schema flags [final] piece pieces checksum body
//	claim  = of watermark reached silent [now [newest]]
//	body   = n first n×(offset-first) n×(time-start) slots slot…
//	slot   = 0                               absent in all records
//	       | 1 n×float64 rests               a number
//	       | 2 n×float64 n×length values…×float64 rests   an array
//	rests  = m m×(index value)
//
// stamping is there in the second version, which frames have whose event time is not
// Kafka's. version and kind are bytes, float64 is little-endian, all else is varint
// (zigzag where it may be negative). Times are ns. A body that is too long for
// a message is cut into pieces, which are put together by the checksum.
const (
	frameVersion = 1
	frameStamped = 2 // the version of frames with another event time than Kafka's
)

const (
	kindRows byte = iota
	kindClaim
)

const (
	flagPartial byte = 1 << iota
	flagSettled
)

const (
	slotAbsent byte = iota
	slotScalar
	slotArray
)

const (
	// frameGoal is about how long a frame is, if there are that many records.
	frameGoal = 512 << 10
	// maxPiece keeps a message below the brokers' default limit.
	maxPiece = 900 << 10
	// maxPieces bounds the memory that a frame may ask for.
	maxPieces = 1 << 10
)

// ErrFrame: a message of a partials topic is no frame of a version that this
// program knows.
var ErrFrame = errors.New("not a frame of this version of kafka-aggregator")

// header is what every frame has.
type header struct {
	kind      byte
	partition int32
	topic     uint32 // tells a topic from one of the same name that was made later
	stamping  uint64 // where its event times came from: Stamping.ID
}

// claim says of a partition: no record of a window that ends at the watermark
// or before will come.
type claim struct {
	of        int // partitions that the topic has
	watermark int64
	reached   int64 // its own watermark, by the records alone
	silent    int64 // for how long, ns, the partition was known to be read to its end without a new record
	now       int64 // what the wall clock knows of time beyond the watermark, where it is in doubt; else as the watermark
	newest    []Newest
}

// run is the head of a frame of records.
type run struct {
	start, size int64 // of the slice, ns
	schema      int   // id of the aggregated schema whose slots the body has
	partial     bool
	settled     bool  // the slice was final before it was shipped, and windows that end at or before final are out
	final       int64 // of one that is settled
	piece, of   int
	sum         uint32 // of the whole body
}

// TopicHash is what frames have of the id of their source topic.
func TopicHash(id [16]byte) uint32 { return crc32.ChecksumIEEE(id[:]) }

func appendHeader(b []byte, h header) []byte {
	version := byte(frameVersion)
	if h.stamping != 0 {
		version = frameStamped
	}
	b = append(b, version, h.kind)
	b = binary.AppendUvarint(b, uint64(h.partition))
	b = binary.AppendUvarint(b, uint64(h.topic))
	if h.stamping != 0 {
		b = binary.AppendUvarint(b, h.stamping)
	}
	return b
}

func appendClaim(b []byte, h header, c claim) []byte {
	h.kind = kindClaim
	b = appendHeader(b, h)
	b = binary.AppendUvarint(b, uint64(c.of))
	b = binary.AppendVarint(b, c.watermark)
	b = binary.AppendVarint(b, c.reached)
	b = binary.AppendUvarint(b, uint64(c.silent))
	if c.now > c.watermark || len(c.newest) > 0 {
		b = binary.AppendVarint(b, c.now)
	}
	if len(c.newest) > 0 {
		b = appendNewest(b, c.newest)
	}
	return b
}

// appendRows appends the frames that hold the records of a pane, as far as the
// first slots go; windows that end at or before final are out. It uses the memory of what lies behind the end of out.
func appendRows(out [][]byte, h header, c *pane, size, final int64, schema, slots int) [][]byte {
	h.kind = kindRows
	slots = min(slots, c.slots)
	for i := 0; i < c.rows; {
		j, n := i, 0
		for ; j < c.rows && (j == i || n < frameGoal); j++ {
			n += 16 + 8*slots
			for s := range slots {
				n += 8 * len(c.arrays[s].at(j))
			}
		}
		frame := appendBody(spare(out, runSpace+n+64)[:runSpace], c, i, j, slots)
		body := frame[runSpace:]
		r := run{start: c.start, size: size, schema: schema, partial: c.partial, settled: c.final, final: final, sum: crc32.ChecksumIEEE(body)}
		if r.of = (len(body) + maxPiece - 1) / maxPiece; r.of == 1 {
			out = append(out, prepend(frame, h, r))
		} else {
			for ; r.piece < r.of; r.piece++ {
				cut := body[r.piece*maxPiece : min(len(body), (r.piece+1)*maxPiece)]
				out = append(out, append(appendRun(make([]byte, 0, len(cut)+runSpace), h, r), cut...))
			}
		}
		i = j
	}
	return out
}

// runSpace is what the head of a frame of records takes at most.
const runSpace = 2 + 2*binary.MaxVarintLen32 + 4*binary.MaxVarintLen64 + binary.MaxVarintLen32 + 1 + 2*binary.MaxVarintLen16 + binary.MaxVarintLen32

// prepend writes the head into the space before a body.
func prepend(frame []byte, h header, r run) []byte {
	var space [runSpace]byte
	head := appendRun(space[:0], h, r)
	frame = frame[runSpace-len(head):]
	copy(frame, head)
	return frame
}

// spare is memory for a frame that is appended to out.
func spare(out [][]byte, size int) []byte {
	if n := len(out); n < cap(out) && cap(out[:n+1][n]) >= size {
		return out[:n+1][n]
	}
	return make([]byte, 0, size+size/8) // so that it does for a somewhat longer one
}

func appendRun(b []byte, h header, r run) []byte {
	b = appendHeader(b, h)
	b = binary.AppendVarint(b, r.start)
	b = binary.AppendUvarint(b, uint64(r.size))
	b = binary.AppendUvarint(b, uint64(r.schema))
	flags := byte(0)
	if r.partial {
		flags |= flagPartial
	}
	if r.settled {
		flags |= flagSettled
	}
	if b = append(b, flags); r.settled {
		b = binary.AppendVarint(b, r.final)
	}
	b = binary.AppendUvarint(b, uint64(r.piece))
	b = binary.AppendUvarint(b, uint64(r.of))
	return binary.AppendUvarint(b, uint64(r.sum))
}

// at is the array of a row.
func (c *arrayColumn) at(row int) []float64 {
	if row >= len(c.ends) {
		return nil
	}
	begin := int32(0)
	if row > 0 {
		begin = c.ends[row-1]
	}
	return c.values[begin:c.ends[row]]
}

// appendBody appends the rows [i, j) of a pane.
func appendBody(b []byte, c *pane, i, j, slots int) []byte {
	b = binary.AppendUvarint(b, uint64(j-i))
	b = binary.AppendUvarint(b, uint64(c.offsets[i]))
	for _, o := range c.offsets[i:j] {
		b = binary.AppendUvarint(b, uint64(o-c.offsets[i]))
	}
	for _, t := range c.times[i:j] {
		b = binary.AppendUvarint(b, uint64(t-c.start))
	}
	b = binary.AppendUvarint(b, uint64(slots))
	for s := range slots {
		col, a := c.column(s)[i:j], &c.arrays[s]
		switch {
		case len(a.ends) > 0:
			b = appendFloats(append(b, slotArray), col)
			begin, n := 0, 0
			if i > 0 {
				begin = int(a.ends[min(i, len(a.ends))-1])
			}
			for row := i; row < j; row++ {
				b = binary.AppendUvarint(b, uint64(len(a.at(row))))
				n += len(a.at(row))
			}
			b = appendFloats(b, a.values[begin:begin+n])
			b = appendRests(b, a.rests, begin, begin+n)
		case absent(col):
			b = append(b, slotAbsent)
		default:
			b = appendFloats(append(b, slotScalar), col)
			b = appendRests(b, c.rests[s], i, j)
		}
	}
	return b
}

func absent(col []float64) bool {
	for _, v := range col {
		if !stats.IsAbsent(v) {
			return false
		}
	}
	return true
}

func appendFloats(b []byte, values []float64) []byte {
	n := len(b)
	b = slices.Grow(b, 8*len(values))[:n+8*len(values)]
	for i, to := 0, b[n:]; i < len(values) && len(to) >= 8; i, to = i+1, to[8:] {
		binary.LittleEndian.PutUint64(to, math.Float64bits(values[i]))
	}
	return b
}

// appendRests appends the residuals of the values [i, j).
func appendRests(b []byte, rests []stats.Residual, i, j int) []byte {
	from := searchRests(rests, i)
	rests = rests[from : from+searchRests(rests[from:], j)]
	b = binary.AppendUvarint(b, uint64(len(rests)))
	for _, r := range rests {
		b = binary.AppendUvarint(b, uint64(int(r.Row)-i))
		b = binary.AppendVarint(b, int64(r.Value))
	}
	return b
}
