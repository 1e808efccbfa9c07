package worker

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// fetched is a record as the client makes it of a timestamp in ms.
func fetchedAt(ms int64) *kgo.Record { return &kgo.Record{Timestamp: time.Unix(0, ms*1e6)} }

// Whatever a producer writes into the timestamp, it is known: as a time that
// windows can have, as one beyond them, or as none.
func TestEventTime(t *testing.T) {
	const (
		now    = int64(1_790_000_000_000) // 2026, ms
		last   = math.MaxInt64 / 1_000_000
		micros = now * 1000
	)
	for _, c := range []struct {
		ms, ns int64
		err    error
	}{
		{now, now * 1e6, nil}, {0, 0, nil}, {1, 1e6, nil}, {now / 1000, now * 1000, nil}, // seconds: a window of 1970
		{-2, -2e6, nil}, {-86_400_000, -86_400_000e6, nil}, // before 1970
		{-1, -1e6, errNoTimestamp},
		{last, last * 1e6, nil}, {-last, -last * 1e6, nil},
		{last + 1, math.MaxInt64, nil}, {micros, math.MaxInt64, nil}, {253_402_300_799_999, math.MaxInt64, nil}, // year 9999
		{1 << 56, math.MaxInt64, nil}, {-last - 1, math.MinInt64, errTooOld}, {-micros, math.MinInt64, errTooOld}, {-1 << 56, math.MinInt64, errTooOld},
	} {
		r := fetchedAt(c.ms)
		if ns, err := eventTime(r); ns != c.ns || !errors.Is(err, c.err) {
			t.Errorf("%d ms: %d ns, %v; want %d, %v", c.ms, ns, err, c.ns, c.err)
		}
		if got := timestamp(r); got != c.ms {
			t.Errorf("%d ms are told as %d", c.ms, got)
		}
	}
}

func FuzzTimestamp(f *testing.F) {
	f.Add(int64(1_790_000_000_000_000))
	f.Fuzz(func(t *testing.T, ms int64) {
		ms = ms << 7 >> 7 // 57 bits
		r := fetchedAt(ms)
		ns, err := eventTime(r)
		if got := timestamp(r); got != ms {
			t.Errorf("%d is told as %d", ms, got)
		}
		if fits := ms <= math.MaxInt64/1_000_000 && ms >= math.MinInt64/1_000_000; fits != (ns == ms*1e6) {
			t.Errorf("%d ms: %d ns, %v", ms, ns, err)
		}
	})
}

func TestAheadOf(t *testing.T) {
	now := time.UnixMilli(1_790_000_000_000)
	if s := aheadOf(now.UnixMicro(), time.Minute, now); !strings.Contains(s, "(1790000000000000 ms: are these microseconds?)") {
		t.Error(s)
	}
	if s := aheadOf(now.UnixMilli()+3600_000, time.Minute, now); s != "timestamp 2026-09-21T15:13:20Z is more than 1m0s ahead of the clock" {
		t.Error(s)
	}
}
