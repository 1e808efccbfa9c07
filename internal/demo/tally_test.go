package demo

import (
	"strings"
	"testing"
	"time"
)

const tallyStart = 1_700_000_000_000

// rightTally has three windows of two records each with their results.
func rightTally() *tally {
	t := newTally(time.Second, time.Second, []string{"a"})
	for w := range int64(3) {
		start := tallyStart + 1000*w
		t.source("a", start+1)
		t.source("a", start+999)
		t.result("a", start, 2, time.UnixMilli(start+2000+10*w))
	}
	return t
}

func TestTallyOfRightResults(t *testing.T) {
	one := rightTally()
	if !one.complete(6) || one.complete(7) {
		t.Error("complete(6) is false, or complete(7) true")
	}
	s := one.summary()
	if s.Records != 6 || s.Expected != 3 || s.Produced != 3 || s.FaultCount != 0 {
		t.Errorf("%+v", s)
	}
	if p50, p99 := Quantile(s.Live, 0.5), Quantile(s.Live, 0.99); p50 != 10*time.Millisecond || p99 != 20*time.Millisecond {
		t.Errorf("p50 %v, p99 %v", p50, p99)
	}
}

func TestTallyFindsFaults(t *testing.T) {
	for want, damage := range map[string]func(*tally){
		"no aggregated record":     func(t *tally) { t.source("a", tallyStart+5000) },
		"no source record":         func(t *tally) { t.result("a", tallyStart+5000, 1, time.Now()) },
		"2 aggregated records":     func(t *tally) { t.result("a", tallyStart, 2, time.Now()) },
		"counts 2 records, the so": func(t *tally) { t.source("a", tallyStart) },
	} {
		one := rightTally()
		damage(one)
		s := one.summary()
		if s.FaultCount != 1 || len(s.Faults) != 1 || !strings.Contains(s.Faults[0], want) {
			t.Errorf("%s: %q", want, s.Faults)
		}
	}
}

// A demo that runs for long forgets windows, but not what was wrong with them.
func TestTallyForgetsWindowsNotFaults(t *testing.T) {
	one := newTally(time.Second, time.Second, []string{"a"})
	for w := range int64(10_000) {
		start := tallyStart + 1000*w
		one.source("a", start)
		if w != 17 {
			one.result("a", start, 1, time.UnixMilli(start))
		}
	}
	if n := len(one.topics["a"].windows); n > 3*settledAfter {
		t.Errorf("%d windows are kept", n)
	}
	if s := one.summary(); s.Expected != 10_000 || s.Produced != 9_999 || s.FaultCount != 1 {
		t.Errorf("expected %d, produced %d, faults %q", s.Expected, s.Produced, s.Faults)
	}
}

func TestTallyKeepsLastWindowsApart(t *testing.T) {
	one := rightTally()
	one.stopped(time.UnixMilli(tallyStart + 6000))
	one.source("a", tallyStart+5500)
	one.result("a", tallyStart+5000, 1, time.UnixMilli(tallyStart+11_000))
	if s := one.summary(); len(s.Live) != 3 || len(s.Last) != 1 || s.Last[0] != 4*time.Second {
		t.Errorf("live %v, last %v", s.Live, s.Last)
	}
}
