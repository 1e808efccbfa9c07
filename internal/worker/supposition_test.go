package worker

import (
	"testing"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
)

func TestSupposition(t *testing.T) {
	for d, want := range map[time.Duration]string{
		37 * time.Second: " (is it TAI, and the others UTC?)", -37300 * time.Millisecond: " (is it TAI, and the others UTC?)", 38 * time.Second: "",
		18 * time.Second: " (is it GPS time, and the others UTC?)", time.Hour + time.Second: " (is it local time?)", 5*time.Hour + 45*time.Minute: " (is it local time?)",
		10 * time.Minute: "", 2 * time.Second: "",
	} {
		if got := supposition(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

// Which clock is wrong this machine's tells, where one agrees with it.
func TestDisagreement(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	clocks := func(offs ...time.Duration) (out []agent.SourceClock) {
		for i, o := range offs {
			out = append(out, agent.SourceClock{Time: now.UnixNano() + int64(o), Ahead: int64(o - offs[0]), Producer: int64(i)})
		}
		return out
	}
	s := time.Second
	for name, c := range map[string]struct {
		clocks   []agent.SourceClock
		ahead    time.Duration
		producer int64
	}{
		"one fast":           {clocks(-s/10, 37*s), 37*s + s/10, 1},
		"one slow":           {clocks(-20*s, 0), -20 * s, 0},
		"a slow, a fast one": {clocks(-20*s, 0, 37*s), 37 * s, 2},
		"of old data":        {clocks(-1000*s, -963*s), 37 * s, 1},
		"one, so all agree":  {nil, 0, 0},
	} {
		var d disagreement
		d.look(3, c.clocks, now)
		if d.ahead != c.ahead || d.wrong.Producer != c.producer {
			t.Errorf("%s: %+v", name, d)
		}
	}
}
