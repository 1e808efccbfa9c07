package window

import (
	"math"
	"testing"
)

func TestStart(t *testing.T) {
	for _, c := range []struct{ t, size, want int64 }{
		{0, 10, 0}, {9, 10, 0}, {10, 10, 10}, {-1, 10, -10}, {-10, 10, -10}, {-11, 10, -20},
		{1_700_000_000_250_000_000, 250_000_000, 1_700_000_000_250_000_000},
		{math.MaxInt64, 1_000_000_000, math.MaxInt64 - math.MaxInt64%1_000_000_000},
		{math.MinInt64, 1_000_000_000, math.MinInt64},
	} {
		if got := Start(c.t, c.size); got != c.want {
			t.Errorf("Start(%d, %d) = %d, want %d", c.t, c.size, got, c.want)
		}
	}
}

// Every time lies in exactly the window that Start names.
func FuzzStart(f *testing.F) {
	f.Add(int64(1_700_000_000_123_456_789), int64(1_000_000_000))
	f.Add(int64(-1), int64(3))
	f.Add(int64(math.MaxInt64), int64(7))
	f.Fuzz(func(t *testing.T, at, size int64) {
		if size <= 0 {
			t.Skip()
		}
		start := Start(at, size)
		if start > at || at > math.MinInt64+size && at-start >= size {
			t.Errorf("Start(%d, %d) = %d", at, size, start)
		}
		if end := End(start, size); end < at || end == at && end != math.MaxInt64 && start != math.MinInt64 {
			t.Errorf("%d lies outside [%d, %d)", at, start, end)
		}
	})
}

func TestClamped(t *testing.T) {
	if Back(Unset, 1) != Unset || Back(math.MinInt64+2, 5) != Unset || Back(10, 3) != 7 {
		t.Error("Back")
	}
	if Forward(Unset, 1) != Unset || Forward(math.MaxInt64-1, 5) != math.MaxInt64 || Forward(10, 3) != 13 {
		t.Error("Forward")
	}
	if End(math.MaxInt64-1, 5) != math.MaxInt64 || End(10, 5) != 15 {
		t.Error("End")
	}
}
