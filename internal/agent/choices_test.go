package agent

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// What was noted of records is read back, as far as it lies above an offset.
func TestChoices(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 3))
		var s choices
		fields, next := map[int64]int{}, int64(0)
		for range rng.IntN(60) {
			f := rng.IntN(3)
			s = s.add(next, f)
			fields[next] = f
			next += 1 + rng.Int64N(2)
		}
		low, head := rng.Int64N(next+1), next+rng.Int64N(5)
		r := reader{b: s.from(low).append(nil, head), ok: true}
		got := r.choices(head)
		if !r.ok || len(r.b) > 0 {
			t.Fatalf("%v, head %d: cannot be read", s, head)
		}
		for offset := low; offset < head; offset++ {
			want, there := fields[offset]
			if f, ok := got.has(offset); ok != there || f != want {
				t.Fatalf("%v from %d: %d has %d, %v, want %d, %v", got, low, offset, f, ok, want, there)
			}
		}
	}
}

// However many there are, the newest stay, and the checkpoint stays short.
func TestManyChoices(t *testing.T) {
	var s choices
	var refused spans
	const step = 1 << 40
	for i := range int64(2 * maxSpans) {
		s, refused = s.add(i*step, int(i%2)), refused.add(i*step)
	}
	c := Fresh(2 * maxSpans * step)
	c.Stamping, c.ahead, c.Refused = 7, s, refused
	text := c.Encode()
	got, err := DecodeCheckpoint(text)
	if err != nil || len(s) != maxChoices || len(text) > 3600 {
		t.Fatalf("%d, %d characters, %v", len(s), len(text), err)
	}
	if n := len(got.ahead); n < 50 || !slices.Equal(got.ahead, s[len(s)-n:]) {
		t.Errorf("%d of %d are left", n, len(s))
	}
	if n := len(got.Refused); n < 100 || !slices.Equal(got.Refused, []Span(refused[len(refused)-n:])) {
		t.Errorf("%d of %d refused are left", n, len(refused))
	}
}
