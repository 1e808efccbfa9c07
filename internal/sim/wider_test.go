//go:build synctests

package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// Windows of several sizes. The first ones of a plan are as long as a slice, and
// all that is said of windows elsewhere is said of these: what is late, what is
// out. The wider ones are made of the same records.

// shape is how the windows of an aggregated topic lie, in ms.
type shape struct {
	suffix        string // of the topic's name
	size, advance int64
	empty         bool // there are empty ones
}

// drawWider gives some plans windows of further sizes, some of which overlap.
func (p *plan) drawWider(rng *rand.Rand) {
	if rng.IntN(3) > 0 && !forced("wider") {
		return
	}
	for range 1 + rng.IntN(2) {
		n := 2 + rng.IntN(9)
		w := config.Output{Size: time.Duration(n) * p.size}
		if rng.IntN(3) == 0 {
			w.Advance = time.Duration(1+rng.IntN(n)) * p.size
		}
		p.wider = append(p.wider, w)
	}
}

// shapes are those of all windows, the first ones first.
func (p *plan) shapes() []shape {
	out := []shape{{suffix, p.size.Milliseconds(), p.size.Milliseconds(), p.writesEmpty(0)}}
	for i, w := range p.wider {
		s := shape{fmt.Sprintf("-w%d%s", i, suffix), w.Size.Milliseconds(), w.Advance.Milliseconds(), p.writesEmpty(i + 1)}
		if s.advance == 0 {
			s.advance = s.size
		}
		out = append(out, s)
	}
	return out
}

// windows sets those of an aggregation.
func (p *plan) windows(a *config.Aggregation) {
	defer p.emptyOf(a, p.empty)
	if len(p.wider) == 0 {
		return
	}
	a.Windows = []config.Output{{Size: p.size}}
	for i, w := range p.wider {
		w.AggregatedTopic = fmt.Sprintf("%s-w%d%s", config.Placeholder, i, suffix)
		a.Windows = append(a.Windows, w)
	}
}

func (s shape) wide(j *court) bool { return s.suffix != j.plan.shapes()[0].suffix }

// ends are those of the windows that hold a time.
func (s shape) ends(ms int64) (ends []int64) {
	n := ms / s.advance
	if ms%s.advance < 0 {
		n--
	}
	for start := n * s.advance; start+s.size > ms; start -= s.advance {
		ends = append(ends, start+s.size)
	}
	return ends
}

func (s shape) key(topic string, end int64) string {
	return fmt.Sprintf("%s||%d|%d", topic, end-s.size, s.size)
}

// former reports whether there was another topic before, so that what its records
// would have been in a wide window is not there.
func (j *court) hasFormer(l *life) bool {
	return slices.ContainsFunc(j.of(l.name), func(other *life) bool { return other.gone && other != l })
}
