package worker

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// errAborted: a transaction was not committed. The state that it came from
// must be dropped.
var errAborted = errors.New("the transaction was not committed")

// delivery decides what of the sources is written and committed, and when; and what becomes of
// those whose topics refuse it: they are held, or lose their letters, and the
// others go on. The committer does the writing. It belongs to the loop.
type delivery struct {
	w         *Worker
	cl        *kgo.Client
	helpers   *helpers
	committer *committer
	phases    *phases
	topics    *catalog
	iteration *iteration
	sources   map[string]*source // of the session
	cadence   cadence
	fail      func(error)                     // ends the session
	startOver func(*source, error, time.Time) // reads a source again
}

// deliver writes what is pending of the sources together with their offsets.
// After an error the session is over: whether a transaction took effect or
// not, the truth is with the brokers. That a topic refuses records is no such
// error: it is known that nothing took effect, so what waits for that topic
// stays where it is, and the rest is delivered without it.
func (d *delivery) deliver(ss []*source) error {
	start := time.Now()
	ss = slices.DeleteFunc(d.ship(ss, start), func(src *source) bool { return d.oversized(src, start) })
	for len(ss) > 0 {
		delivered, refused, err := d.attempt(ss)
		if err != nil || len(delivered) == 0 {
			d.w.counters.aborts.Add(1)
		}
		if err != nil {
			return err
		}
		now := time.Now()
		if len(delivered) > 0 {
			d.w.counters.commitDuration.observe(now.Sub(start))
			d.w.counters.commits.Add(1)
		}
		for _, src := range delivered {
			d.delivered(src, now)
		}
		ss = slices.DeleteFunc(slices.Clone(ss), func(src *source) bool {
			return slices.Contains(delivered, src) || !d.takeRefusals(src, refused, now)
		})
		start = now
	}
	return nil
}

// attempt writes and commits once. Those of the sources that are not among the
// delivered are as they were; some of their records were refused, or those of
// others in the same transaction.
func (d *delivery) attempt(ss []*source) (delivered []*source, refused refusals, err error) {
	for _, src := range ss {
		src.out.dropped.tell(d.w, src, false)
	}
	offsets := d.low(ss, false)
	if d.w.cfg.Worker.Delivery == config.ExactlyOnce && slices.ContainsFunc(ss, func(src *source) bool { return src.out.hasRecords() }) {
		if refused, err = d.committer.transact(ss, offsets); err != nil || len(refused) > 0 {
			if err != nil {
				d.rememberRefusals(ss, refused, err)
			}
			return nil, refused, err
		}
		d.noteCommitted(offsets)
		return ss, nil, nil
	}
	if refused, _, err = d.committer.produce(ss); err != nil {
		return nil, nil, err
	}
	for _, src := range ss {
		if refused.of(src) {
			d.w.total(src.topic).windows += int64(src.out.keep(refused)) // the rest is written
		} else {
			delivered = append(delivered, src)
		}
	}
	err = d.commitPlain(slices.DeleteFunc(offsets, func(o offset) bool { return refused.of(o.source) }))
	return delivered, refused, err
}

// rememberRefusals has the next session know from the start what was refused.
func (d *delivery) rememberRefusals(ss []*source, refused refusals, err error) {
	var of *offsetError
	for _, src := range ss {
		if refused.of(src) {
			d.takeRefusals(src, refused, time.Now())
		}
		if errors.As(err, &of) && of.topic == src.topic && ofPartition(of) {
			d.holdBack(src, src.topic, fmt.Errorf("the group's offsets are not taken: %w", of), 0, time.Now())
		}
	}
}

// delivered notes that all that was pending of a source is written, and its
// offsets are committed.
func (d *delivery) delivered(src *source, now time.Time) {
	for _, due := range src.out.due {
		d.w.counters.resultLatency.observe(max(0, now.Sub(due)))
	}
	total := d.w.total(src.topic)
	total.windows += int64(len(src.out.windows))
	total.empty += src.out.empty
	total.unfilled += src.out.unfilled
	total.unsent += src.out.unsent
	src.out.dropped.tell(d.w, src, true)
	for _, l := range src.out.letters {
		d.w.box(l.topic).taken()
	}
	src.out.clear()
	if src.agent.Complete() {
		src.split.partlyCommitted = nil
	}
	d.free(src)
	d.phases.advance(src)
}

// noteCommitted notes that offsets are committed.
func (d *delivery) noteCommitted(offsets []offset) {
	for _, o := range offsets {
		total := d.w.total(o.source.topic)
		total.add(&o.Counts, &o.last.counts)
		total.addOthers(o.Others)
		clear(o.Others)
		o.last = commit{offset: o.low, final: o.final, counts: o.Counts}
		if o.verdicts != nil {
			o.verdicts.Committed(o.low)
		}
	}
}
