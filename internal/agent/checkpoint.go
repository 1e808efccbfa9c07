package agent

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// Checkpoint is what is committed for a source partition beside its offset.
// The offset O is that of the oldest record of a window that is not final;
// records in [O, Head) are read again after a restart, only to rebuild
// windows. It travels as the offset's metadata.
type Checkpoint struct {
	Cluster uint64   // hash of the cluster id that the offsets belong to
	TopicID [16]byte // of the source topic, zero if the brokers give none
	Head    int64    // next offset that no committed transaction has read
	MaxTime int64    // highest event time below Head, ns; window.Unset if none
	LowTime int64    // highest event time below O
	Final   int64    // windows that end at or before are out, ns, the end of a slice; window.Unset if none
	Shipped int64    // highest end of a window of which records below Head were shipped, ns; window.Unset if none
	Count   int64    // records in [O, Head)
	Hash    uint64   // sum over them of recordHash
	// Refused are records in [O, Head) that were refused for a reason that
	// may not hold when they are read again: the clock, or the registry.
	Refused []Span
	// Clocks are those of the records below O; nil if time is believed at once, or
	// was when the checkpoint was written: then trusting is set.
	Clocks   *clocks
	trusting bool
	// Newest are the newest windows that are out and have records.
	Newest []Newest
	// Stamping is the ID of where event times came from.
	Stamping uint64
	// Doubt says that windows which begin at or before are partial, ns: they may have
	// records below O that had another event time when they were read. window.Unset: none;
	// anyTime: it depends on the first record from O on.
	Doubt int64
	// ahead are records in [O, Head) whose time was not taken from the first field that
	// has one, by the clock.
	ahead choices
}

// The prefix names the format and its version. The third has the clocks and the
// newest windows, between what all have and the list of refused records. The fourth has,
// behind these, what is to be said of event times that are not Kafka's, or were not.
const (
	prefix2 = "ka2."
	prefix3 = "ka3."
	prefix4 = "ka4."
)

const (
	checkpointSize = 8 + 16 + 7*8 + 4
)

// ErrCheckpoint: the metadata of a committed offset was not written by this
// program, or by a version that this one does not know.
var ErrCheckpoint = errors.New("not a checkpoint of this version of kafka-aggregator")

// Encode gives the metadata text, from 116 ASCII characters on.
func (c *Checkpoint) Encode() string {
	b := make([]byte, 0, checkpointSize)
	b = binary.BigEndian.AppendUint64(b, c.Cluster)
	b = append(b, c.TopicID[:]...)
	for _, v := range []int64{c.Head, c.MaxTime, c.LowTime, c.Final, c.Shipped, c.Count, int64(c.Hash)} {
		b = binary.BigEndian.AppendUint64(b, uint64(v))
	}
	prefix, room := prefix2, maxSpanBytes
	switch {
	case c.Stamping != 0 || c.Doubt != window.Unset:
		prefix, b = prefix4, appendNewest(c.Clocks.append(b), c.Newest)
		before := len(b)
		b = c.appendStamping(b)
		room -= len(b) - before
	case c.Clocks != nil || len(c.Newest) > 0:
		prefix, b = prefix3, appendNewest(c.Clocks.append(b), c.Newest)
	}
	b = appendSpans(b, c.Refused, c.Head, room)
	b = binary.BigEndian.AppendUint32(b, checksum(prefix, b))
	return prefix + base64.RawStdEncoding.EncodeToString(b)
}

// DecodeCheckpoint reads what Encode wrote.
func DecodeCheckpoint(text string) (Checkpoint, error) {
	c := Checkpoint{Doubt: window.Unset}
	prefix := text[:min(len(text), len(prefix2))]
	if c.trusting = prefix == prefix2; !c.trusting && prefix != prefix3 && prefix != prefix4 {
		return c, fmt.Errorf("%w: it starts with %.8q", ErrCheckpoint, text)
	}
	body := text[len(prefix):]
	b, err := base64.RawStdEncoding.Strict().DecodeString(body)
	if err != nil {
		return c, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	end := len(b) - 4
	if len(b) < checkpointSize {
		return c, fmt.Errorf("%w: %d bytes, want %d or more", ErrCheckpoint, len(b), checkpointSize)
	}
	if sum := binary.BigEndian.Uint32(b[end:]); sum != checksum(prefix, b[:end]) {
		return c, fmt.Errorf("%w: its checksum is wrong", ErrCheckpoint)
	}
	c.Cluster = binary.BigEndian.Uint64(b)
	copy(c.TopicID[:], b[8:])
	var v [7]int64
	for i := range v {
		v[i] = int64(binary.BigEndian.Uint64(b[24+8*i:]))
	}
	c.Head, c.MaxTime, c.LowTime, c.Final, c.Shipped, c.Count, c.Hash = v[0], v[1], v[2], v[3], v[4], v[5], uint64(v[6])
	if c.Head < 0 {
		return c, fmt.Errorf("%w: its head is %d", ErrCheckpoint, c.Head)
	}
	rest := b[checkpointSize-4 : end]
	if !c.trusting {
		r := reader{b: rest, ok: true}
		c.Clocks = r.clocks()
		c.trusting = c.Clocks == nil
		c.Newest = r.newest()
		if prefix == prefix4 {
			r.stamping(&c)
		}
		if rest = r.b; !r.ok {
			return c, fmt.Errorf("%w: its clocks, its newest windows or what it says of event times cannot be read", ErrCheckpoint)
		}
	}
	var ok bool
	if c.Refused, ok = readSpans(rest, c.Head); !ok {
		return c, fmt.Errorf("%w: its list of refused records cannot be read", ErrCheckpoint)
	}
	return c, nil
}

// checksum of a checkpoint. That of the second format leaves the prefix out.
func checksum(prefix string, b []byte) uint32 {
	sum := uint32(0)
	if prefix != prefix2 {
		sum = crc32.ChecksumIEEE([]byte(prefix))
	}
	return crc32.Update(sum, crc32.IEEETable, b)
}

// Fresh is the checkpoint of a partition that was never read, starting at offset.
func Fresh(offset int64) Checkpoint {
	return Checkpoint{Head: offset, MaxTime: window.Unset, LowTime: window.Unset, Final: window.Unset, Shipped: window.Unset, Doubt: window.Unset}
}

// recordHash mixes a record's offset and Kafka's timestamp of it (the finalizer of
// MurmurHash3). The fingerprint of a range is the sum over its records, so
// that the fingerprint of a suffix is a difference.
func recordHash(offset, t int64) uint64 {
	h := uint64(offset)*0x9e3779b97f4a7c15 ^ uint64(t)
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
