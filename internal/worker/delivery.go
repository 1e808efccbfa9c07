package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// errAborted: a transaction was not committed. The state that it came from
// must be dropped.
var errAborted = errors.New("the transaction was not committed")

// deliver writes what is pending of the sources together with their offsets.
// After an error the session is over: whether a transaction took effect or
// not, the truth is with the brokers. That a topic refuses records is no such
// error: it is known that nothing took effect, so what waits for that topic
// stays where it is, and the rest is delivered without it.
func (s *session) deliver(ss []*source) error {
	start := time.Now()
	ss = slices.DeleteFunc(s.ship(ss, start), func(src *source) bool { return s.oversized(src, start) })
	for len(ss) > 0 {
		delivered, refused, err := s.attempt(ss)
		if err != nil || len(delivered) == 0 {
			s.w.aborts.Add(1)
		}
		if err != nil {
			return err
		}
		now := time.Now()
		if len(delivered) > 0 {
			s.w.commitDuration.observe(now.Sub(start))
			s.w.commits.Add(1)
		}
		for _, src := range delivered {
			s.delivered(src, now)
		}
		ss = slices.DeleteFunc(slices.Clone(ss), func(src *source) bool {
			return slices.Contains(delivered, src) || !s.takeRefusals(src, refused, now)
		})
		start = now
	}
	return nil
}

// attempt writes and commits once. Those of the sources that are not among the
// delivered are as they were; some of their records were refused, or those of
// others in the same transaction.
func (s *session) attempt(ss []*source) (delivered []*source, refused refusals, err error) {
	for _, src := range ss {
		src.dropped.tell(s.w, src, false)
	}
	offsets := s.low(ss, false)
	if s.w.cfg.Worker.Delivery == config.ExactlyOnce && slices.ContainsFunc(ss, (*source).hasOutput) {
		if refused, err = s.transact(ss, offsets); err != nil || len(refused) > 0 {
			return nil, refused, err
		}
		s.settle(offsets)
		return ss, nil, nil
	}
	if refused, _, err = s.produce(ss); err != nil {
		return nil, nil, err
	}
	for _, src := range ss {
		if refused.of(src) {
			s.keepRefused(src, refused) // the rest is written
		} else {
			delivered = append(delivered, src)
		}
	}
	err = s.commitPlain(slices.DeleteFunc(offsets, func(o offset) bool { return refused.of(o.source) }))
	return delivered, refused, err
}

// delivered notes that all that was pending of a source is written, and its
// offsets are committed.
func (s *session) delivered(src *source, now time.Time) {
	for _, due := range src.due {
		s.w.resultLatency.observe(max(0, now.Sub(due)))
	}
	total := s.w.total(src.topic)
	total.windows += int64(len(src.pending))
	total.unsent += src.unsent
	src.dropped.tell(s.w, src, true)
	for _, l := range src.letters {
		s.w.box(l.topic).taken()
	}
	clear(src.pending)
	clear(src.letters)
	clear(src.frames)
	src.pending, src.letters, src.frames, src.due, src.bytes = src.pending[:0], src.letters[:0], src.frames[:0], src.due[:0], 0
	src.unsent = 0
	if src.agent.Complete() {
		src.partlyCommitted = nil
	}
	s.free(src)
	s.advance(src)
}

// settle notes that offsets are committed.
func (s *session) settle(offsets []offset) {
	for _, o := range offsets {
		s.w.total(o.source.topic).add(&o.Counts, &o.committed)
		o.committed, o.offset, o.moved, o.fresh = o.Counts, o.low, false, false
		if o.verdicts != nil {
			o.verdicts.Committed(o.low)
		}
	}
}

// transact is one transaction: begin, commit the offsets, produce, end, in one
// burst, so that none is ever open while the worker waits for records. The
// offsets go first: a worker that was removed from the group is refused before
// it has written anything, so that those who read uncommitted records see no
// copies of windows that others put out. If records are refused, it is aborted,
// and known to be.
func (s *session) transact(ss []*source, o []offset) (refused refusals, err error) {
	if err := s.cl.BeginTransaction(); err != nil {
		return nil, fmt.Errorf("begin transaction: %w", err)
	}
	id, epoch, err := s.cl.ProducerID(s.hard)
	if err != nil {
		if errors.Is(err, kerr.TransactionalIDAuthorizationFailed) {
			err = fmt.Errorf("%w: grant WRITE and DESCRIBE on the transactional id, or on all that begin with %q, or set worker.delivery to at_least_once", err, s.w.cfg.Worker.Group)
		}
		return nil, fmt.Errorf("transactional id %s: %w", s.txnID, err)
	}
	var written []*kgo.Record
	err = s.commitTxnOffsets(id, epoch, o)
	unwritten := err != nil
	if err == nil {
		refused, written, err = s.produce(ss)
	}
	if err == nil && len(refused) == 0 {
		err = s.awaitLoaded(written)
	}
	if err == nil && len(refused) == 0 {
		if err := s.cl.EndTransaction(s.hard, kgo.TryCommit); err != nil {
			return nil, fmt.Errorf("end transaction: outcome unknown: %w", err)
		}
		return nil, nil
	}
	// Best effort: if this fails too, the next session's InitProducerId
	// or the broker's timeout aborts the transaction.
	ctx, cancel := context.WithTimeout(s.hard, abortTimeout)
	defer cancel()
	abortErr := s.cl.EndTransaction(ctx, kgo.TryAbort)
	if unwritten { // the client does not know that offsets may be in it
		s.abandon(ctx, id, epoch)
	}
	if err == nil && abortErr == nil && s.ended(ctx, id, epoch) {
		return refused, nil
	}
	// The next session knows from the start what was refused.
	var of *offsetError
	for _, src := range ss {
		s.takeRefusals(src, refused, time.Now())
		if errors.As(err, &of) && of.topic == src.topic && ofPartition(of) {
			s.holdBack(src, src.topic, fmt.Errorf("the group's offsets are not taken: %w", of), 0, time.Now())
		}
	}
	return nil, errors.Join(fmt.Errorf("%w: %w", errAborted, errors.Join(err, refused.err())), abortErr)
}

// abandon ends a transaction of which the client knows nothing, since no record
// was written in it. Whoever reads on in its partitions would wait for its end.
// The session is over: the producer may have another epoch now.
func (s *session) abandon(ctx context.Context, id int64, epoch int16) {
	req := kmsg.NewPtrEndTxnRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch = s.txnID, id, epoch
	if _, err := req.RequestWith(ctx, s.cl); err != nil {
		s.w.log.Debug("ending a transaction failed", "err", err)
	}
}

// ended reports whether a transaction is known to be over: the broker has given
// the producer another epoch at its end. The client does not end a transaction
// to which it has written nothing, as far as it knows; and that offsets were
// committed in it, it does not know.
func (s *session) ended(ctx context.Context, id int64, epoch int16) bool {
	if s.w.txnVersion < 2 {
		return false
	}
	nowID, nowEpoch, err := s.cl.ProducerID(ctx)
	return err == nil && (nowID != id || nowEpoch != epoch)
}

// produce writes what is pending of the sources, and waits until all of it is
// acknowledged or refused.
func (s *session) produce(ss []*source) (refused refusals, written []*kgo.Record, err error) {
	var a acknowledgements
	now := time.Now()
	for _, src := range ss {
		for _, r := range src.pending {
			s.write(&a, src, nil, r)
		}
		for _, r := range src.frames {
			s.write(&a, src, nil, r)
		}
		for _, l := range src.letters {
			limit := s.w.outputs.batch(l.topic)
			l.form = s.w.box(l.topic).form(l, limit, now)
			s.write(&a, src, l, l.record(limit))
		}
	}
	if a.flush(s); a.broken != nil {
		return nil, nil, fmt.Errorf("produce: %w", a.broken)
	}
	a.all.Wait()
	if brokenProduce {
		return nil, nil, nil
	}
	refused, err = a.outcome()
	if err != nil {
		return nil, nil, fmt.Errorf("produce: %w", err)
	}
	s.w.outputs.blame(refused, time.Now())
	return refused, a.written, nil
}

// write hands a record to the client.
func (s *session) write(a *acknowledgements, src *source, l *letter, r *kgo.Record) {
	alone := s.w.outputs.alone(r.Topic, time.Now())
	if alone {
		a.flush(s) // what was written before it
	}
	if a.late || alone && l == nil && a.refuses(r.Topic) { // windows stay in order, also without a transaction
		a.refuse(refusal{source: src, record: r, letter: l, err: errUnacknowledged, follows: true})
		return
	}
	a.all.Add(1)
	a.written = append(a.written, r)
	s.cl.Produce(s.hard, r, func(r *kgo.Record, err error) {
		defer a.all.Done()
		a.heard.Add(1)
		switch {
		case err == nil:
		case errors.Is(err, kgo.ErrAborting):
			a.refuse(refusal{source: src, record: r, letter: l, err: errUnacknowledged})
		case ofTopic(err):
			a.refuse(refusal{source: src, record: r, letter: l, err: err})
		case follows(err):
			a.skip(refusal{source: src, record: r, letter: l, err: err, follows: true})
		default:
			a.fail(err)
		}
	})
	if alone {
		a.flush(s)
	}
}

// flush waits until all records are acknowledged or refused. When nothing was
// heard of any for some time, or all of it takes too long, the rest is taken back
// from the client, so that it knows of none any more: before that a transaction
// cannot be aborted, nor the client closed. No more are written then. The loop
// stands still meanwhile, and a worker that is not there when the group forms
// anew is removed from it: so the patience is less than the rebalance timeout.
func (a *acknowledgements) flush(s *session) {
	if a.late {
		return
	}
	begin, last, heard := time.Now(), time.Now(), a.heard.Load()
	stalled, limit := s.w.cfg.Worker.SessionTimeout/5, s.w.cfg.Worker.TransactionTimeout/2
	for {
		patience := max(time.Millisecond, min(time.Second, stalled-time.Since(last), limit-time.Since(begin)))
		ctx, cancel := context.WithTimeout(s.hard, patience)
		err := s.cl.Flush(ctx)
		cancel()
		if n := a.heard.Load(); n > heard {
			last, heard = time.Now(), n
		}
		switch took := time.Since(begin); {
		case err == nil:
			return
		case s.hard.Err() != nil || time.Since(last) >= stalled || took >= limit:
			a.late = true
			ctx, cancel := context.WithTimeout(s.hard, abortTimeout)
			defer cancel()
			if abortErr := s.cl.AbortBufferedRecords(ctx); abortErr != nil || s.hard.Err() != nil {
				a.broken = errors.Join(fmt.Errorf("not acknowledged within %s: %w", took, err), abortErr)
			}
			return
		}
		s.w.beat(time.Now())
		s.w.setState("running", "waiting for brokers to acknowledge records")
	}
}
