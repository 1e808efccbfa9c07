package worker

import (
	"fmt"
	"math"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

// clocks are those that stamp the records of a partition and disagree.
func (p *part) clocks() []agent.SourceClock {
	if p.windows == nil {
		return nil
	}
	return p.windows.Clocks()
}

func statusClocks(clocks []agent.SourceClock) (out []status.SourceClock) {
	for _, c := range clocks {
		s := status.SourceClock{Ahead: time.Duration(c.Ahead).Seconds(), Records: c.Records}
		if c.Producer >= 0 {
			s.Producer = new(c.Producer)
		}
		out = append(out, s)
	}
	return out
}

// disagreement is that of the clocks of one partition which are furthest apart.
type disagreement struct {
	partition int32
	wrong     agent.SourceClock // the one that is furthest from the one taken for right
	ahead     time.Duration     // of that; negative: behind
	clocks    int
}

// look compares the clocks of another partition. Which is right is not known by their
// records alone; so that is taken for right which agrees with this machine, if one
// does, else the slowest.
func (d *disagreement) look(partition int32, clocks []agent.SourceClock, now time.Time) {
	if len(clocks) == 0 {
		return
	}
	right, off := clocks[0], int64(math.MaxInt64)
	for _, c := range clocks {
		if o := time.Duration(c.Time - now.UnixNano()).Abs(); o < clockAgrees && int64(o) < off {
			right, off = c, int64(o)
		}
	}
	for _, c := range clocks {
		if ahead := time.Duration(c.Ahead - right.Ahead); ahead.Abs() > d.ahead.Abs() {
			*d = disagreement{partition, c, ahead, len(clocks)}
		}
	}
}

// clockAgrees is by how much a clock may differ from this machine's that is taken for
// right: with the time that records are under way.
const clockAgrees = 3 * time.Second

// clockLog is what was said of the clocks of a topic.
type clockLog struct {
	said time.Duration // by how much one is ahead; 0: all agree
	last time.Time
}

// tellClocks says that clocks of a topic disagree by more than the grace, how far, and
// when that is over.
func (src *source) tellClocks(d disagreement, now time.Time) {
	l := &src.clocks
	if d.ahead.Abs() <= max(src.job.Window.Grace, clockNoise) {
		if l.said != 0 && now.Sub(l.last) >= tellLateEvery {
			src.log.Info("the clocks of the topic's records agree again")
			*l = clockLog{last: now}
		}
		return
	}
	near := (d.ahead - l.said).Abs() <= clockNoise+l.said.Abs()/10
	if near || l.said != 0 && now.Sub(l.last) < tellLateEvery {
		return
	}
	*l = clockLog{d.ahead, now}
	who := "a clock"
	if d.wrong.Producer >= 0 {
		who = fmt.Sprintf("producer %d", d.wrong.Producer)
	}
	way := "ahead of"
	if d.ahead < 0 {
		way = "behind"
	}
	src.log.Warn(fmt.Sprintf("the clocks of the topic's records disagree: %s is %.1f s %s the others%s", who, d.ahead.Abs().Seconds(), way, supposition(d.ahead)),
		"partition", d.partition, "clocks", d.clocks)
}

// supposition is what may be the reason for a clock to be so wrong.
func supposition(d time.Duration) string {
	off := d.Abs()
	near := func(what time.Duration) bool { return (off - what).Abs() <= 500*time.Millisecond }
	switch quarter := 15 * time.Minute; {
	case near(37 * time.Second):
		return " (is it TAI, and the others UTC?)"
	case near(18 * time.Second):
		return " (is it GPS time, and the others UTC?)"
	case off > quarter/2 && (off-off.Round(quarter)).Abs() <= 5*time.Second:
		return " (is it local time?)"
	}
	return ""
}
