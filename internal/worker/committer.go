package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// committer writes results and commits offsets, in transactions or without. It
// knows nothing of how sources wait or go on: it is given what there is, and says
// what became of it.
type committer struct {
	w      *Worker
	cl     *kgo.Client
	hard   context.Context // ends when work in flight is given up
	txnID  string
	member *membership
}

// transact is one transaction: begin, commit the offsets, produce, end, in one
// burst, so that none is ever open while the worker waits for records. The
// offsets go first: a worker that was removed from the group is refused before
// it has written anything, so that those who read uncommitted records see no
// copies of windows that others put out. If records are refused, it is aborted,
// and known to be. After an error some may have been refused too.
func (c *committer) transact(ss []*source, o []offset) (refused refusals, err error) {
	if err := c.cl.BeginTransaction(); err != nil {
		return nil, fmt.Errorf("begin transaction: %w", err)
	}
	id, epoch, err := c.cl.ProducerID(c.hard)
	if err != nil {
		if errors.Is(err, kerr.TransactionalIDAuthorizationFailed) {
			err = fmt.Errorf("%w: grant WRITE and DESCRIBE on the transactional id, or on all that begin with %q, or set worker.delivery to at_least_once", err, c.w.cfg.Worker.Group)
		}
		return nil, fmt.Errorf("transactional id %s: %w", c.txnID, err)
	}
	var written []*kgo.Record
	err = c.commitTxnOffsets(id, epoch, o)
	unwritten := err != nil
	if err == nil {
		refused, written, err = c.produce(ss)
	}
	if err == nil && len(refused) == 0 {
		err = c.awaitLoaded(written)
	}
	if err == nil && len(refused) == 0 {
		if err := c.cl.EndTransaction(c.hard, kgo.TryCommit); err != nil {
			return nil, fmt.Errorf("end transaction: outcome unknown: %w", err)
		}
		return nil, nil
	}
	// Best effort: if this fails too, the next session's InitProducerId
	// or the broker's timeout aborts the transaction.
	ctx, cancel := context.WithTimeout(c.hard, abortTimeout)
	defer cancel()
	abortErr := c.cl.EndTransaction(ctx, kgo.TryAbort)
	if unwritten { // the client does not know that offsets may be in it
		c.abandon(ctx, id, epoch)
	}
	if err == nil && abortErr == nil && c.ended(ctx, id, epoch) {
		return refused, nil
	}
	return refused, errors.Join(fmt.Errorf("%w: %w", errAborted, errors.Join(err, refused.err())), abortErr)
}

// abandon ends a transaction of which the client knows nothing, since no record
// was written in it. Whoever reads on in its partitions would wait for its end.
// The session is over: the producer may have another epoch now.
func (c *committer) abandon(ctx context.Context, id int64, epoch int16) {
	req := kmsg.NewPtrEndTxnRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch = c.txnID, id, epoch
	if _, err := req.RequestWith(ctx, c.cl); err != nil {
		c.w.log.Debug("ending a transaction failed", "err", err)
	}
}

// ended reports whether a transaction is known to be over: the broker has given
// the producer another epoch at its end. The client does not end a transaction
// to which it has written nothing, as far as it knows; and that offsets were
// committed in it, it does not know.
func (c *committer) ended(ctx context.Context, id int64, epoch int16) bool {
	if c.w.txnVersion < 2 {
		return false
	}
	nowID, nowEpoch, err := c.cl.ProducerID(ctx)
	return err == nil && (nowID != id || nowEpoch != epoch)
}

// produce writes what is pending of the sources, and waits until all of it is
// acknowledged or refused.
func (c *committer) produce(ss []*source) (refused refusals, written []*kgo.Record, err error) {
	var a acknowledgements
	now := time.Now()
	for _, src := range ss {
		for _, r := range src.out.windows {
			c.write(&a, src, nil, r)
		}
		for _, r := range src.out.partials {
			c.write(&a, src, nil, r)
		}
		for _, l := range src.out.letters {
			limit := c.w.sinks.outputs.batch(l.topic)
			l.form = c.w.box(l.topic).form(l, limit, now)
			c.write(&a, src, l, l.record(limit))
		}
	}
	if a.flush(c); a.broken != nil {
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
	c.w.sinks.outputs.blame(refused, time.Now())
	return refused, a.written, nil
}

// write hands a record to the client.
func (c *committer) write(a *acknowledgements, src *source, l *letter, r *kgo.Record) {
	alone := c.w.sinks.outputs.alone(r.Topic, time.Now())
	if alone {
		a.flush(c) // what was written before it
	}
	if a.late || alone && l == nil && a.refuses(r.Topic) { // windows stay in order, also without a transaction
		a.refuse(refusal{source: src, record: r, letter: l, err: errUnacknowledged, follows: true})
		return
	}
	a.all.Add(1)
	a.written = append(a.written, r)
	c.cl.Produce(c.hard, r, func(r *kgo.Record, err error) {
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
		a.flush(c)
	}
}

// flush waits until all records are acknowledged or refused. When nothing was
// heard of any for some time, or all of it takes too long, the rest is taken back
// from the client, so that it knows of none any more: before that a transaction
// cannot be aborted, nor the client closed. No more are written then. The loop
// stands still meanwhile, and a worker that is not there when the group forms
// anew is removed from it: so the patience is less than the rebalance timeout.
func (a *acknowledgements) flush(c *committer) {
	if a.late {
		return
	}
	begin, last, heard := time.Now(), time.Now(), a.heard.Load()
	stalled, limit := c.w.cfg.Worker.SessionTimeout/5, c.w.cfg.Worker.TransactionTimeout/2
	for {
		patience := max(time.Millisecond, min(time.Second, stalled-time.Since(last), limit-time.Since(begin)))
		ctx, cancel := context.WithTimeout(c.hard, patience)
		err := c.cl.Flush(ctx)
		cancel()
		if n := a.heard.Load(); n > heard {
			last, heard = time.Now(), n
		}
		switch took := time.Since(begin); {
		case err == nil:
			return
		case c.hard.Err() != nil || time.Since(last) >= stalled || took >= limit:
			a.late = true
			ctx, cancel := context.WithTimeout(c.hard, abortTimeout)
			defer cancel()
			if abortErr := c.cl.AbortBufferedRecords(ctx); abortErr != nil || c.hard.Err() != nil {
				a.broken = errors.Join(fmt.Errorf("not acknowledged within %s: %w", took, err), abortErr)
			}
			return
		}
		c.w.beat(time.Now())
		c.w.setState("running", "waiting for brokers to acknowledge records")
	}
}
