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
	source *source
	record *kgo.Record
	letter *letter // nil: it is a window, or partials
	err    error
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
	failed  error // more is wrong than that topics refuse records
}

func (a *acknowledgements) refuse(r refusal) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refused = append(a.refused, r)
}

func (a *acknowledgements) fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.failed == nil {
		a.failed = err
	}
}

// keepRefused drops what was written of a source, without a transaction, beside
// records that were refused.
func (s *session) keepRefused(src *source, refused refusals) {
	kept := func(r *kgo.Record) bool {
		return slices.ContainsFunc(refused, func(x refusal) bool { return x.record == r })
	}
	before := len(src.pending)
	src.pending = slices.DeleteFunc(src.pending, func(r *kgo.Record) bool { return !kept(r) })
	s.w.total(src.topic).windows += int64(before - len(src.pending))
	src.frames = slices.DeleteFunc(src.frames, func(r *kgo.Record) bool { return !kept(r) })
	src.letters = slices.DeleteFunc(src.letters, func(l *letter) bool {
		return !slices.ContainsFunc(refused, func(x refusal) bool { return x.letter == l })
	})
}

// takeRefusals decides what becomes of a source of which records may have been
// refused: it is held, or its letters get smaller, or are given up. It reports
// whether what is pending can be tried again at once.
func (s *session) takeRefusals(src *source, refused refusals, now time.Time) bool {
	boxes := map[*letterbox]bool{} // each notes one refusal of a kind for an attempt
	for _, r := range refused {
		if r.source != src {
			continue
		}
		if r.letter == nil {
			s.holdBack(src, r.record.Topic, r.err, r.size(), now)
			return false
		}
		if box := s.w.box(r.letter.topic); !boxes[box] && r.letter.form >= box.form {
			boxes[box] = true
			box.refused(r.letter.form, r.err, now)
		}
	}
	return s.settleLetters(src, now) != keepLetters
}
