package agent

import (
	"encoding/binary"
	"slices"
)

// choice is a range of offsets, both included, of records whose time was taken from the
// field of that index, since those before it were too far ahead; behind the last
// field stands Kafka's timestamp.
type choice struct {
	first, last int64
	field       int
}

// choices are in ascending order.
type choices []choice

// maxChoices bounds the memory; the oldest are forgotten first.
const maxChoices = 128

// maxChoiceBytes is what they may take of a checkpoint. Ranges of refused records have
// less room by that.
const maxChoiceBytes = 600

// add appends an offset above all others.
func (s choices) add(offset int64, field int) choices {
	if n := len(s); n > 0 && s[n-1].last == offset-1 && s[n-1].field == field {
		s[n-1].last = offset
		return s
	}
	if len(s) == maxChoices {
		s = slices.Delete(s, 0, 1)
	}
	return append(s, choice{offset, offset, field})
}

// has is the field of the record at offset.
func (s choices) has(offset int64) (field int, ok bool) {
	i, _ := slices.BinarySearchFunc(s, offset, func(x choice, offset int64) int {
		if x.last < offset {
			return -1
		}
		return 1
	})
	if i < len(s) && s[i].first <= offset {
		return s[i].field, true
	}
	return 0, false
}

// from forgets what lies below an offset.
func (s choices) from(offset int64) choices {
	n := 0
	for n < len(s) && s[n].last < offset {
		n++
	}
	return slices.Delete(s, 0, n)
}

// append writes their size in bytes, and then each from the newest to the oldest, as
// appendSpans does, with its field. What has no room is left out.
func (s choices) append(b []byte, head int64) []byte {
	var list []byte
	for _, x := range slices.Backward(s) {
		next := binary.AppendUvarint(list, uint64(head-x.last))
		next = binary.AppendUvarint(next, uint64(x.last-x.first))
		next = binary.AppendUvarint(next, uint64(x.field))
		if len(next) > maxChoiceBytes {
			break
		}
		list, head = next, x.first
	}
	return append(binary.AppendUvarint(b, uint64(len(list))), list...)
}

// choices reads what append wrote.
func (r *reader) choices(head int64) (s choices) {
	n := r.count(1)
	if n > len(r.b) { // the number itself takes some
		r.fail()
	}
	if !r.ok {
		return nil
	}
	in := reader{b: r.b[:n], ok: true}
	r.b = r.b[n:]
	for in.ok && len(in.b) > 0 {
		below, more, field := in.whole(), in.whole(), in.uint(1<<16)
		if !in.ok || below == 0 || below > head || more > head-below {
			r.fail()
			return nil
		}
		x := choice{last: head - below, field: int(field)}
		x.first = x.last - more
		s, head = append(s, x), x.first
	}
	if !in.ok {
		r.fail()
	}
	slices.Reverse(s)
	return s
}
