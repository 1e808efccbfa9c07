package worker

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// refusal is a record that its topic does not take.
type refusal struct {
	source  *source
	record  *kgo.Record
	letter  *letter // nil: it is a window, or partials
	err     error
	follows bool // or may follow, from the refusal of others
}

// size is that of the record if it is refused for it, 0 otherwise.
func (r *refusal) size() int {
	if errors.Is(r.err, errTooLarge) || r.letter == nil && ofForm(r.err) && len(r.record.Value) > 0 {
		return recordBytes(r.record)
	}
	return 0
}

// refusals are those of one attempt.
type refusals []refusal

// of reports whether records of a source are among them.
func (rs refusals) of(src *source) bool {
	return slices.ContainsFunc(rs, func(r refusal) bool { return r.source == src })
}

// err is the first, nil if there is none.
func (rs refusals) err() error {
	if len(rs) == 0 {
		return nil
	}
	return &refusedError{rs[0].record.Topic, rs[0].err}
}

// refusedError names the topic that refuses records.
type refusedError struct {
	topic string
	err   error
}

func (e *refusedError) Error() string { return "topic " + e.topic + ": " + e.err.Error() }
func (e *refusedError) Unwrap() error { return e.err }

// acknowledgements gather what becomes of records that were given to the
// client. Its callbacks may run at the same time as each other.
type acknowledgements struct {
	written []*kgo.Record
	all     sync.WaitGroup
	heard   atomic.Int64 // how many were acknowledged or refused
	mu      sync.Mutex
	refused refusals
	skipped refusals // by what follows from others being refused
	failed  error    // more is wrong than that topics refuse records
	late    bool     // records were not acknowledged in time: no more are written
	broken  error    // and could not be taken back: what becomes of them is not known
}

func (a *acknowledgements) refuse(r refusal) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refused = append(a.refused, r)
}

// refuses reports whether a topic has refused a record.
func (a *acknowledgements) refuses(topic string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.ContainsFunc(a.refused, func(r refusal) bool { return r.record.Topic == topic })
}

func (a *acknowledgements) skip(r refusal) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.skipped = append(a.skipped, r)
}

// outcome is what was refused, once all callbacks have run. It is an error if
// more is wrong.
func (a *acknowledgements) outcome() (refusals, error) {
	switch {
	case a.failed != nil:
		return nil, a.failed
	case len(a.refused) == 0 && len(a.skipped) > 0:
		return nil, a.skipped[0].err
	}
	return append(a.refused, a.skipped...), nil
}

// blame has those topics written to record by record that refused several for
// what they were: a broker takes a batch or none of it, and does not say which
// record is to blame, or whether they were too many. Of these refusals nothing
// else follows.
func (o *outputs) blame(refused refusals, now time.Time) {
	n := map[string]int{}
	for _, r := range refused {
		if !r.follows && ofForm(r.err) {
			n[r.record.Topic]++
		}
	}
	separated := map[string]bool{}
	for topic, n := range n {
		separated[topic] = n > 1 && o.separate(topic, now)
	}
	for i, r := range refused {
		refused[i].follows = r.follows || separated[r.record.Topic] && ofForm(r.err)
	}
}

func (a *acknowledgements) fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.failed == nil {
		a.failed = err
	}
}

// takeRefusals decides what becomes of a source of which records may have been
// refused: it is held, or its letters get smaller, or are given up. It reports
// whether what is pending can be tried again at once.
func (d *delivery) takeRefusals(src *source, refused refusals, now time.Time) bool {
	waits := map[*letterbox]bool{} // each notes one refusal for an attempt that is not of one letter
	for _, r := range refused {
		if r.source != src || r.follows {
			continue
		}
		if r.letter == nil {
			d.holdBack(src, r.record.Topic, r.err, r.size(), now)
			return false
		}
		box := d.w.box(r.letter.topic)
		if !ofForm(r.err) && waits[box] {
			continue
		}
		waits[box] = true
		large := box.large
		box.refused(r.letter, recordBytes(r.record), r.err, now)
		switch topic := r.letter.topic; {
		case isUnknownTopic(r.err):
			d.makeLetterTopic(topic, box)
		case box.large != large:
			d.helpers.Go(func() { d.w.sinks.outputs.learn(d.helpers.ctx, d.w.brokers.Admin, topic) })
		}
	}
	return d.decideLetters(src, now) != keepLetters
}
