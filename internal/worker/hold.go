package worker

import (
	"errors"
	"fmt"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// hold is how a source is treated of which an output topic does not take what
// is written to it, though brokers answer: it waits, with what it has for the
// topic, and all others go on. Its states:
//
//	waiting   until it is time to look at the topic again
//	checking  a helper looks: the topic is made if it is gone, its limit is read
//	probing   what waits is written, in a transaction of its own
//
// A probe that succeeds ends the hold; another refusal doubles the wait. A hold
// outlives the session.
type hold struct {
	state holdState
	topic string // the output; the source itself if its offsets are refused
	err   error
	text  string // the problem, for a person
	size  int    // bytes of the record that is larger than the topic takes; 0: it is refused for another reason
	limit int    // what the topic took then
	until time.Time
	wait  time.Duration
}

type holdState uint8

const (
	holdWaiting holdState = iota
	holdChecking
	holdProbing
)

const (
	firstHold = 5 * time.Second
	maxHold   = 10 * time.Minute
)

// holdBack begins or prolongs the hold of a source.
func (d *delivery) holdBack(src *source, topic string, err error, size int, now time.Time) {
	h := d.w.sinks.holds[src.topic]
	first := h == nil || h.topic != topic
	if first {
		h = &hold{topic: topic}
		d.w.sinks.holds[src.topic] = h
	}
	h.wait = min(max(firstHold, 2*h.wait), maxHold)
	h.state, h.until, h.err, h.size, h.limit = holdWaiting, now.Add(h.wait), err, size, d.w.sinks.outputs.batch(topic)
	if first && (size > 0 || errors.Is(err, errUnacknowledged)) {
		h.until = now // the topic may take more than was known; brokers may have been slow
	} else {
		d.w.log.Error("a topic refuses records; its source waits, the others go on", "topic", topic, "source_topic", src.agent.Topic, "err", err, "again_in", h.wait.String())
	}
	h.text = fmt.Sprintf("topic %s refuses records: %v", topic, err)
	switch {
	case topic == src.topic:
		h.text = err.Error()
	case size > 0:
		h.text += "; raise the topic's max.message.bytes, or aggregate fewer fields or operations, or pool or skip long arrays"
	}
	src.hold = h
	src.problems.set(causeOutput, h.text)
	d.phases.advance(src)
}

// oversized holds a source with a record that is known to be larger than its
// topic takes: the transaction that it is in would be aborted.
func (d *delivery) oversized(src *source, now time.Time) bool {
	for _, r := range src.out.windows {
		if n, limit := recordBytes(r), d.w.sinks.outputs.batch(r.Topic); n > limit {
			d.holdBack(src, r.Topic, tooLarge(n, limit), n, now)
			return true
		}
	}
	return false
}

// errRefused ends a worker that was to stop at the end, and cannot write all
// that it has computed.
var errRefused = errors.New("not all that was computed could be written")

// givenUp reports whether a worker that is to stop at the end does not wait for
// the output of a source any more.
func (src *source) givenUp() bool { return src.phase == phaseHeld && src.hold.wait > 2*firstHold }

// atEnd reports whether a worker that is to stop at the end may do so, after
// all that could be delivered was. An error names what could not.
func (d *delivery) atEnd() (ended bool, err error) {
	for _, src := range d.sources {
		switch {
		case src.givenUp():
			err = fmt.Errorf("%w: %s", errRefused, src.hold.text)
		case src.out.undelivered():
			return false, nil
		}
	}
	return true, err
}

// waits reports whether it is not time to write to the output again.
func (h *hold) waits() bool { return h != nil && h.state != holdProbing }

// release has topics looked at whose hold is over.
func (d *delivery) release(now time.Time) {
	for topic, h := range d.w.sinks.holds {
		src := d.sources[topic]
		if src == nil || h.state != holdWaiting || now.Before(h.until) {
			continue
		}
		h.state = holdChecking
		d.helpers.Go(func() {
			err := d.w.checkOutput(d.helpers.ctx, src, h.topic)
			d.helpers.notify(func() { d.probe(src, h, err) })
		})
	}
}

// probe takes what was found out of an output that refused records. It is tried
// again, unless it is known that it would refuse again.
func (d *delivery) probe(src *source, h *hold, err error) {
	now, limit := time.Now(), d.w.sinks.outputs.batch(h.topic)
	if d.w.sinks.holds[src.topic] != h || h.state != holdChecking {
		return
	}
	if src.phase == phaseGone { // taken away meanwhile
		h.state = holdWaiting
		return
	}
	if err == nil && h.size > limit {
		err = tooLarge(h.size, limit)
	}
	if err != nil {
		d.holdBack(src, h.topic, err, h.size, now)
		return
	}
	h.state = holdProbing
	d.phases.advance(src)
	src.news = true
	// The client keeps what it knew of the topic: its id and its limit.
	larger := h.size > 0 && limit != h.limit
	switch {
	case larger && (d.w.cfg.Worker.Delivery != config.ExactlyOnce || d.w.txnVersion < 2):
		// Without a new epoch for each transaction the numbers of records may
		// not begin anew.
		d.fail(fmt.Errorf("topic %s takes larger records than before", h.topic))
	case larger, isUnknownTopic(h.err):
		d.cl.PurgeTopicsFromProducing(h.topic)
	}
}

// free ends the hold of a source.
func (d *delivery) free(src *source) {
	if src.hold == nil {
		return
	}
	d.w.log.Info("a topic takes records again", "topic", src.hold.topic, "source_topic", src.agent.Topic)
	delete(d.w.sinks.holds, src.topic)
	src.hold = nil
	src.problems.clear(causeOutput)
}
