package window

import (
	"math"
	"slices"
	"testing"
)

func mustGrid(t *testing.T, shapes ...Shape) Grid {
	t.Helper()
	g, err := NewGrid(shapes...)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestShape(t *testing.T) {
	for _, s := range []Shape{{1, 1}, {10, 10}, {60, 10}, {10, 3}, {7, 7}, {5, 1}} {
		for at := int64(-130); at < 130; at++ {
			var want []int64
			for start := int64(-400); start < 400; start++ {
				if start%s.Advance == 0 && start <= at && at < start+s.Size {
					want = append(want, start)
				}
			}
			if first, last := s.First(at), s.Last(at); first != want[0] || last != want[len(want)-1] {
				t.Errorf("%v: the windows of %d go from %d to %d, want %v", s, at, first, last, want)
			}
			for limit := at - 5; limit < at+100; limit++ {
				end := int64(Unset)
				for _, start := range want {
					if start+s.Size <= limit {
						end = start + s.Size
					}
				}
				if got := s.LastEnd(at, limit); got != end {
					t.Errorf("%v: the last window of %d that ends before %d ends at %d, want %d", s, at, limit, got, end)
				}
			}
		}
	}
}

// Each slice is in a window as a whole or not at all, is needed as long as one
// of its windows is not out, and no longer slices would do.
func TestGrid(t *testing.T) {
	for _, c := range []struct {
		shapes []Shape
		slice  int64
		period int64
	}{
		{[]Shape{{10, 10}}, 10, 10},
		{[]Shape{{1, 1}, {10, 10}, {60, 60}}, 1, 60},
		{[]Shape{{60, 10}}, 10, 0},
		{[]Shape{{10, 3}}, 1, 0},
		{[]Shape{{4, 4}, {6, 6}}, 2, 12},
		{[]Shape{{4, 4}, {6, 3}}, 1, 0},
	} {
		g := mustGrid(t, c.shapes...)
		if g.Slice != c.slice || g.period != c.period {
			t.Errorf("%v: slices of %d, undivided every %d, want %d and %d", c.shapes, g.Slice, g.period, c.slice, c.period)
		}
		before := int64(math.MinInt64)
		for start := -5 * c.slice; start < 200; start += c.slice {
			if g.Start(start) != start || g.Start(start+c.slice-1) != start || g.End(start) != start+c.slice {
				t.Errorf("%v: the slice of %d", c.shapes, start)
			}
			kept := int64(math.MinInt64)
			for _, s := range c.shapes {
				for w := s.First(start); w <= s.Last(start); w += s.Advance {
					if w > start || w+s.Size < start+c.slice {
						t.Errorf("%v: the window at %d cuts the slice at %d", s, w, start)
					}
					kept = max(kept, w+s.Size)
				}
			}
			if got := g.Kept(start); got != kept || got < before {
				t.Errorf("%v: the slice at %d is needed until %d, want %d, after %d", c.shapes, start, got, kept, before)
			}
			before = kept
			cut := g.Undivided(start)
			divided := func(at int64) bool {
				return slices.ContainsFunc(c.shapes, func(s Shape) bool { return s.First(at-1) < at && s.Last(at-1)+s.Size > at })
			}
			want := start
			for want < start+1000 && divided(want) {
				want++
			}
			if c.period == 0 {
				want = math.MaxInt64
			}
			if cut != want {
				t.Errorf("%v: undivided from %d: %d, want %d", c.shapes, start, cut, want)
			}
		}
	}
	for _, s := range []Shape{{}, {10, 0}, {10, 11}, {0, 1}, {10, -1}} {
		if _, err := NewGrid(s); err == nil {
			t.Errorf("%v is taken", s)
		}
	}
	for _, c := range []struct {
		shapes []Shape
		shared bool
	}{
		{[]Shape{{10, 10}}, false},
		{[]Shape{{10, 5}}, true},
		{[]Shape{{10, 10}, {20, 20}}, true},
	} {
		if g := mustGrid(t, c.shapes...); g.Shared() != c.shared {
			t.Errorf("%v: shared %t", c.shapes, g.Shared())
		}
	}
	g := mustGrid(t, Shape{math.MaxInt64, math.MaxInt64}, Shape{math.MaxInt64 - 1, math.MaxInt64 - 1})
	if g.Undivided(0) != math.MaxInt64 || g.Undivided(Unset) != Unset {
		t.Error("undivided at the ends")
	}
}

func FuzzGrid(f *testing.F) {
	f.Add(int64(0), int64(60), int64(10))
	f.Add(int64(math.MinInt64), int64(7), int64(7))
	f.Add(int64(math.MaxInt64), int64(math.MaxInt64), int64(1))
	f.Fuzz(func(t *testing.T, at, size, advance int64) {
		s := Shape{size, advance}
		g, err := NewGrid(s)
		if err != nil {
			return
		}
		first, last, start := s.First(at), s.Last(at), g.Start(at)
		if first > last || last > at || End(first, size) <= at && End(first, size) != math.MaxInt64 || start > at {
			t.Errorf("%v at %d: windows from %d to %d, slice %d", s, at, first, last, start)
		}
		if g.Kept(start) < g.End(start) {
			t.Errorf("%v at %d: the slice ends at %d and is kept until %d", s, at, g.End(start), g.Kept(start))
		}
	})
}
