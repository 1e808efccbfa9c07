package agent

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// reader reads the parts of a frame; after the first fault there is nothing
// more to read.
type reader struct {
	b  []byte
	ok bool
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

func (r *reader) fail() { r.b, r.ok = nil, false }

// uint reads a number up to limit.
func (r *reader) uint(limit uint64) uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > limit {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) int() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

// whole reads a number that is not negative.
func (r *reader) whole() int64 { return int64(r.uint(math.MaxInt64)) }

// count reads how many things follow that take at least size bytes each.
func (r *reader) count(size int) int { return int(r.uint(uint64(len(r.b) / size))) }

func (r *reader) floats(dst []float64, n int) []float64 {
	if n > len(r.b)/8 {
		r.fail()
		return dst
	}
	at := len(dst)
	dst = slices.Grow(dst, n)[:at+n]
	from := r.b[:8*n]
	for i := range dst[at:] {
		dst[at+i] = math.Float64frombits(binary.LittleEndian.Uint64(from[8*i:]))
	}
	r.b = r.b[8*n:]
	return dst
}

// open reads the head that every frame has.
func (r *reader) open(frame []byte) (h header, err error) {
	r.b, r.ok = frame, true
	version := r.byte()
	if version != frameVersion && version != frameStamped {
		return h, fmt.Errorf("%w: version %d", ErrFrame, version)
	}
	h.kind = r.byte()
	h.partition = int32(r.uint(math.MaxInt32))
	h.topic = uint32(r.uint(math.MaxUint32))
	if version == frameStamped {
		h.stamping = r.uint(math.MaxUint64)
	}
	if !r.ok || h.kind > kindClaim {
		return h, ErrFrame
	}
	return h, nil
}

func (r *reader) claim() (c claim, err error) {
	c.of = int(r.uint(math.MaxInt32))
	c.watermark, c.reached = r.int(), r.int()
	c.silent = r.whole()
	if c.now = c.watermark; r.ok && len(r.b) > 0 {
		c.now = r.int()
	}
	if r.ok && len(r.b) > 0 {
		c.newest = r.newest()
	}
	if !r.ok || len(r.b) > 0 {
		return c, fmt.Errorf("%w: a claim of %d bytes", ErrFrame, len(r.b))
	}
	return c, nil
}

// run reads the head of records; what is left of r is the body, or a piece.
func (r *reader) run() (u run, err error) {
	u.start = r.int()
	u.size = int64(r.uint(math.MaxInt64))
	u.schema = int(r.uint(math.MaxInt32))
	flags := r.byte()
	u.partial, u.settled = flags&flagPartial != 0, flags&flagSettled != 0
	if u.settled {
		u.final = r.int()
	}
	u.piece = int(r.uint(maxPieces - 1))
	u.of = int(r.uint(maxPieces))
	u.sum = uint32(r.uint(math.MaxUint32))
	if !r.ok || u.piece >= u.of || u.size == 0 || u.start != window.Start(u.start, u.size) || flags > flagPartial|flagSettled {
		return u, fmt.Errorf("%w: records without a window", ErrFrame)
	}
	return u, nil
}

// body reads records whose columns get into slots of which isArray tells
// which are arrays.
func (r *reader) body(c *columns, u run, slots []int, isArray []bool) error {
	n := r.count(2)
	first := int64(r.uint(math.MaxInt64))
	c.offsets, c.times = c.offsets[:0], c.times[:0]
	last := int64(-1)
	for range n {
		o := first + int64(r.uint(uint64(math.MaxInt64-first)))
		if o <= last {
			r.fail()
		}
		last = o
		c.offsets = append(c.offsets, o)
	}
	for range n {
		c.times = append(c.times, window.Forward(u.start, int64(r.uint(uint64(u.size-1)))))
	}
	c.grow(int(r.uint(uint64(len(slots)))))
	for s := range c.scalars {
		a := &c.arrays[s]
		a.reset()
		kind, values := r.byte(), c.scalars[s][:0]
		switch {
		case kind == slotAbsent:
			values = nil
		case kind == slotScalar && !isArray[slots[s]]:
			values = r.floats(values, n)
			c.rests[s] = r.rests(c.rests[s][:0], n)
		case kind == slotArray && isArray[slots[s]]:
			values = r.floats(values, n)
			end := 0
			for range n {
				end += r.count(8)
				if end > len(r.b)/8 {
					r.fail()
					end = 0
				}
				a.ends = append(a.ends, int32(end))
			}
			a.values = r.floats(a.values, end)
			a.rests = r.rests(a.rests, end)
		default:
			r.fail()
		}
		c.scalars[s] = values
	}
	if !r.ok || len(r.b) > 0 || n == 0 {
		return fmt.Errorf("%w: its records do not fit the schema", ErrFrame)
	}
	c.rewind()
	return nil
}

// rests reads residuals of n values.
func (r *reader) rests(dst []stats.Residual, n int) []stats.Residual {
	last := -1
	for range r.count(2) {
		i, v := int(r.uint(math.MaxInt32)), r.int()
		if i <= last || i >= n || v != int64(int16(v)) {
			r.fail()
			return dst[:0]
		}
		last = i
		dst = append(dst, stats.Residual{Row: int32(i), Value: int16(v)})
	}
	return dst
}
