package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/example"
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
	if s.records != 6 || s.expected != 3 || s.produced != 3 || s.faultCount != 0 {
		t.Errorf("%+v", s)
	}
	if p50, p99 := quantile(s.live, 0.5), quantile(s.live, 0.99); p50 != 10*time.Millisecond || p99 != 20*time.Millisecond {
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
		if s.faultCount != 1 || len(s.faults) != 1 || !strings.Contains(s.faults[0], want) {
			t.Errorf("%s: %q", want, s.faults)
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
	if s := one.summary(); s.expected != 10_000 || s.produced != 9_999 || s.faultCount != 1 {
		t.Errorf("expected %d, produced %d, faults %q", s.expected, s.produced, s.faults)
	}
}

func TestTallyKeepsLastWindowsApart(t *testing.T) {
	one := rightTally()
	one.stopped(time.UnixMilli(tallyStart + 6000))
	one.source("a", tallyStart+5500)
	one.result("a", tallyStart+5000, 1, time.UnixMilli(tallyStart+11_000))
	if s := one.summary(); len(s.live) != 3 || len(s.last) != 1 || s.last[0] != 4*time.Second {
		t.Errorf("live %v, last %v", s.live, s.last)
	}
}

func TestSummaryText(t *testing.T) {
	var out bytes.Buffer
	printSummary(&out, rightTally().summary(), example.Rate{Acked: 6, Elapsed: 3 * time.Second, Asked: 2, Reached: 2}, 10, 7)
	for _, want := range []string{"windows expected    3\n", "windows produced    3\n", "reduction factor    0.29 (60 values in, 210 out)", "p50 10 ms, p99 20 ms"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
