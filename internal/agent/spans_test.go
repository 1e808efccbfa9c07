package agent

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

func TestSpans(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		var s spans
		var all []int64
		next := rng.Int64N(3)
		for range rng.IntN(60) {
			s, all = s.add(next), append(all, next)
			next += 1 + rng.Int64N(3)
		}
		low := rng.Int64N(next + 1)
		head := next + rng.Int64N(5)
		got, ok := readSpans(appendSpans(nil, s.from(low), head, maxSpanBytes), head)
		if !ok {
			t.Fatalf("%v, head %d: cannot be read", s, head)
		}
		for offset := low; offset < head; offset++ {
			if want := slices.Contains(all, offset); spans(got).has(offset) != want {
				t.Fatalf("%v of %v from %d: has %d: %v, want %v", got, all, low, offset, !want, want)
			}
		}
	}
}

// However many there are, the text stays short and holds the newest.
func TestManySpans(t *testing.T) {
	var s spans
	const step = 1 << 40
	for i := range int64(2 * maxSpans) {
		s = s.add(i * step)
	}
	head := int64(2*maxSpans) * step
	c := Checkpoint{Head: head, Refused: s, Doubt: window.Unset}
	text := c.Encode()
	got, err := DecodeCheckpoint(text)
	if err != nil || len(s) != maxSpans || len(text) > 3600 {
		t.Fatalf("%d ranges, %d characters, %v", len(s), len(text), err)
	}
	if n := len(got.Refused); n < 100 || !slices.Equal(got.Refused, []Span(s[len(s)-n:])) {
		t.Errorf("%d ranges of %d are left, the last %v", n, len(s), got.Refused[n-1])
	}
}
