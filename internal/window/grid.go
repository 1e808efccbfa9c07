package window

import (
	"fmt"
	"math"
)

// Shape is how the windows of one output lie: each is Size long, and one
// begins every Advance, counted from the Unix epoch (both ns, 0 < Advance <=
// Size). With Advance = Size they are tumbling: every time is in one of them.
// With a shorter Advance they are hopping, and overlap.
type Shape struct{ Size, Advance int64 }

// Tumbling is the shape of windows that follow each other without overlap.
func Tumbling(size int64) Shape { return Shape{size, size} }

// Last is the start of the last window that holds the time t.
func (s Shape) Last(t int64) int64 { return Start(t, s.Advance) }

// First is the start of the first window that holds the time t.
func (s Shape) First(t int64) int64 {
	last := s.Last(t)
	back := (s.Size - 1 - (t - last)) / s.Advance * s.Advance
	if last < math.MinInt64+back {
		return last
	}
	return last - back
}

// LastEnd is the end of the last window that holds the time t and ends at or
// before limit, Unset if there is none.
func (s Shape) LastEnd(t, limit int64) int64 {
	last := min(s.Last(t), Start(Back(limit, s.Size), s.Advance))
	if last < s.First(t) || limit == Unset {
		return Unset
	}
	return End(last, s.Size)
}

// Grid divides time into slices: the longest intervals that no window of any
// shape cuts. A slice is in a window as a whole or not at all, so that all
// shapes can be computed from records that are stored once, by slice. Its
// length is the greatest common divisor of all sizes and advances; with one
// tumbling shape slices are the windows themselves.
type Grid struct {
	Slice  int64 // length of a slice, ns
	Shapes []Shape

	// period: no window lies across a multiple of it; 0 if there are such
	// times nowhere, as with hopping windows.
	period int64
}

// NewGrid is the grid of one or more shapes. An error says which of them is none.
func NewGrid(shapes ...Shape) (Grid, error) {
	g := Grid{Shapes: shapes}
	for _, s := range shapes {
		if s.Advance <= 0 || s.Advance > s.Size {
			return g, fmt.Errorf("windows of %d ns, of which one begins every %d ns: an advance is above 0, and no more than the size", s.Size, s.Advance)
		}
		g.Slice = gcd(gcd(g.Slice, s.Size), s.Advance)
	}
	g.period = 1
	for _, s := range shapes {
		if g.period = lcm(g.period, s.Size); s.Advance < s.Size || g.period == 0 {
			g.period = 0
			break
		}
	}
	return g, nil
}

// TumblingGrid is the grid of windows of one size (ns, > 0), which are its slices.
func TumblingGrid(size int64) Grid {
	return Grid{Slice: size, Shapes: []Shape{Tumbling(size)}, period: size}
}

// Shared reports whether a slice may be in more than one window.
func (g *Grid) Shared() bool { return len(g.Shapes) > 1 || g.Shapes[0].Advance < g.Shapes[0].Size }

// gcd is the greatest common divisor; gcd(0, b) is b.
func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// lcm is the least common multiple, 0 if it is too large.
func lcm(a, b int64) int64 {
	a /= gcd(a, b)
	if a != 0 && b > math.MaxInt64/a {
		return 0
	}
	return a * b
}

// Start is the start of the slice that holds the time t.
func (g *Grid) Start(t int64) int64 { return Start(t, g.Slice) }

// End is the end of the slice that starts at start.
func (g *Grid) End(start int64) int64 { return End(start, g.Slice) }

// Kept is until when the slice that holds the time t is needed: the end of the
// last window that it is in. It never falls with t.
func (g *Grid) Kept(t int64) (end int64) {
	end = math.MinInt64
	for _, s := range g.Shapes {
		end = max(end, End(s.Last(t), s.Size))
	}
	return end
}

// Undivided is the first time at or after t that no window lies across,
// math.MaxInt64 if there is none. t is the end of a slice, or Unset.
func (g *Grid) Undivided(t int64) int64 {
	if t == Unset {
		return Unset
	}
	if g.period == 0 {
		return math.MaxInt64
	}
	if start := Start(t, g.period); start != t {
		return End(start, g.period)
	}
	return t
}
