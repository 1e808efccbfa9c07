package worker

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// refusedError: a topic does not take what is written to it, whatever else
// works.
type refusedError struct {
	topic string
	err   error
}

func (e *refusedError) Error() string { return fmt.Sprintf("topic %s: %v", e.topic, e.err) }
func (e *refusedError) Unwrap() error { return e.err }

// refusal notes the first topic of a transaction that refuses a record.
// Promises may run at the same time as each other.
type refusal struct {
	mu    sync.Mutex
	first *refusedError
}

func (f *refusal) note(r *kgo.Record, err error) {
	if err == nil || !ofTopic(err) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.first == nil {
		f.first = &refusedError{topic: r.Topic, err: err}
	}
}

// err is nil without a type if there was no refusal.
func (f *refusal) err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.first == nil {
		return nil
	}
	return f.first
}

// ofTopic reports whether an error says something about the topic rather than
// about brokers or the transaction.
func ofTopic(err error) bool {
	for _, e := range []error{
		kerr.MessageTooLarge, kerr.RecordListTooLarge, kerr.TopicAuthorizationFailed, kerr.UnknownTopicOrPartition, kerr.UnknownTopicID,
		kerr.InvalidTopicException, kerr.PolicyViolation, kerr.InvalidRecord, kerr.InvalidTimestamp, kerr.UnsupportedCompressionType,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// hold is the time for which the source topics of an aggregated topic are
// left alone that refuses records, so that the others go on.
type hold struct {
	until time.Time
	wait  time.Duration
	err   error
}

const (
	firstHold = 5 * time.Second
	maxHold   = 10 * time.Minute
)

// holdBack begins or prolongs the hold of an aggregated topic.
func (w *Worker) holdBack(topic string, err error, now time.Time) {
	h := w.holds[topic]
	h.wait = min(max(firstHold, 2*h.wait), maxHold)
	h.until, h.err = now.Add(h.wait), err
	w.holds[topic] = h
	w.log.Error("a topic refuses records; its sources wait, the others go on", "topic", topic, "err", err, "again_in", h.wait.String())
}

// held reports whether a source has to wait because its aggregated topic
// refuses records.
func (s *session) held(src *source, now time.Time) bool {
	h, ok := s.w.holds[src.into]
	if !ok || now.After(h.until) {
		return false
	}
	src.problems.set(causeOutput, fmt.Sprintf("topic %s refuses records: %v", src.into, h.err))
	return true
}

// release lets the sources go on whose hold is over.
func (s *session) release(now time.Time) {
	if len(s.w.holds) == 0 {
		return
	}
	for _, src := range s.sources {
		if src.held && !s.held(src, now) {
			src.held, src.news = false, true
			src.problems.clear(causeOutput)
		}
	}
}
