//go:build synctests

package sim

import (
	"math"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
)

// order is what is late in a partition by the order of its records, as one reader
// sees it whom nothing interrupts. Workers that come and go have to see the same.
type order struct {
	judge     *agent.Order
	split     bool
	fields    bool // have the times
	skew      time.Duration
	watermark int64 // ms, at least
	lost      bool  // it is not known what became of a record
}

func (j *court) order(l *life) *order {
	p := j.plan
	o := &order{fields: p.fields, split: p.split > 1 || p.split2 > 1, skew: p.skew, watermark: math.MinInt64, lost: p.repeats || j.of(l.name)[0] != l} // what was out of the topic before is where the next begins
	o.judge = agent.NewOrder(agent.Settings{Grace: int64(p.grace), MaxFutureSkew: int64(p.skew), Confirm: agent.Confirm})
	return o
}

// take takes a record whose window ends at end; isLate: there is a letter that says so.
func (o *order) take(in *input, isLate bool, end int64) {
	switch {
	case o.lost, in.tombstone, in.future, in.unreadable != "", in.broken && o.fields:
		return
	case in.doubt, in.broken && in.Timestamp.Sub(in.sent) > o.skew, isLate && end > o.watermark && o.split: // whoever ships may have accepted it
		o.lost = true
		return
	case isLate && end > o.watermark: // by the clock
		return
	}
	o.judge.Take(in.ms * 1e6)
	if w := o.judge.Watermark(); w > math.MinInt64 {
		o.watermark = w / 1e6
	}
}
