package agent

import (
	"encoding/binary"
	"slices"
)

// Span is a range of offsets, both included.
type Span struct{ First, Last int64 }

// spans are ranges of offsets in ascending order.
type spans []Span

// maxSpans bounds the memory and the size of the checkpoint; the oldest are
// forgotten first.
const maxSpans = 256

// add appends an offset above all others.
func (s spans) add(offset int64) spans {
	if n := len(s); n > 0 && s[n-1].Last == offset-1 {
		s[n-1].Last = offset
		return s
	}
	if len(s) == maxSpans {
		s = slices.Delete(s, 0, 1)
	}
	return append(s, Span{offset, offset})
}

// has reports whether an offset is in one of the ranges.
func (s spans) has(offset int64) bool {
	i, _ := slices.BinarySearchFunc(s, offset, func(x Span, offset int64) int {
		if x.Last < offset {
			return -1
		}
		return 1
	})
	return i < len(s) && s[i].First <= offset
}

// from forgets what lies below an offset.
func (s spans) from(offset int64) spans {
	n := 0
	for n < len(s) && s[n].Last < offset {
		n++
	}
	return slices.Delete(s, 0, n)
}

// maxSpanBytes keeps the checkpoint's text well below what brokers accept
// (offset.metadata.max.bytes, 4096).
const maxSpanBytes = 2500

// appendSpans writes the ranges from the newest to the oldest: how far its end
// lies below the beginning of the one before (below head, for the first), and
// how many more offsets it has. What has no room, in bytes, is left out.
func appendSpans(b []byte, s spans, head int64, room int) []byte {
	limit := len(b) + room
	for _, x := range slices.Backward(s) {
		next := binary.AppendUvarint(b, uint64(head-x.Last))
		next = binary.AppendUvarint(next, uint64(x.Last-x.First))
		if len(next) > limit {
			break
		}
		b, head = next, x.First
	}
	return b
}

// readSpans reads what appendSpans wrote.
func readSpans(b []byte, head int64) (s spans, ok bool) {
	for len(b) > 0 {
		below, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, false
		}
		more, k := binary.Uvarint(b[n:])
		if k <= 0 || below == 0 || below > uint64(head) || more > uint64(head)-below {
			return nil, false
		}
		x := Span{Last: head - int64(below)}
		x.First = x.Last - int64(more)
		s, b, head = append(s, x), b[n+k:], x.First
	}
	slices.Reverse(s)
	return s, true
}
