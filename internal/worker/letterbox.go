package worker

import (
	"errors"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// letterbox is a topic that letters go to, as far as it takes them. A letter
// that is refused must not hold up the windows of others, nor for ever those of
// its own source. Its states:
//
//	open     letters are written, each in the largest form that may be taken
//	waiting  something was refused that may pass; sources with letters wait
//	closed   it did not pass in time, or not even a bare letter was taken:
//	         records are counted without a letter
//
// Waiting and closed boxes are tried again now and then, with the letters of
// one source in a transaction of its own.
type letterbox struct {
	state boxState
	large int           // bytes of the smallest letter that was refused for its size, 0 if none was
	keyed bool          // a letter without a key was refused
	again time.Time     // when these are tried again
	err   error         // why the last letter was refused
	since time.Time     // when the first one was, if none was taken since
	until time.Time     // when it is tried again
	wait  time.Duration // before that
}

type boxState uint8

const (
	boxOpen boxState = iota
	boxWaiting
	boxClosed
)

// patience is for how long sources wait for a box that may open again: longer
// if it is a broker that is missed, which is started again maybe, than if it is
// a right.
func patience(err error) time.Duration {
	if kerr.IsRetriable(err) && !isUnknownTopic(err) || errors.Is(err, errUnacknowledged) {
		return time.Minute
	}
	return 5 * time.Second
}

// ruling is what is done with letters that are ready.
type ruling uint8

const (
	writeLetters ruling = iota // with everything else
	tryLetters                 // in a transaction of their own
	keepLetters                // their source waits
	dropLetters                // their records are counted without one
)

// form is the largest one that may be taken of a letter, by what was refused
// lately. What is refused of one letter says nothing of those that are smaller.
func (b *letterbox) form(l *letter, limit int, now time.Time) letterForm {
	if now.After(b.again) {
		b.large, b.keyed = 0, false
	}
	switch {
	case b.keyed && len(l.key) == 0:
		return bareLetter
	case b.large > 0 && l.form == wholeLetter && recordBytes(l.record(limit)) >= b.large:
		return briefLetter
	}
	return l.form
}

// rule says what is done with letters now.
func (b *letterbox) rule(now time.Time) ruling {
	switch {
	case b.state == boxOpen:
		return writeLetters
	case !now.Before(b.until):
		return tryLetters
	case b.state == boxWaiting:
		return keepLetters
	}
	return dropLetters
}

// refused notes that a letter was refused, which was a record of size bytes. It
// is the next form's turn, or time to wait.
func (b *letterbox) refused(l *letter, size int, err error, now time.Time) {
	if ofForm(err) && l.form < bareLetter {
		b.again = now.Add(maxHold)
		if !ofSize(err) && len(l.key) == 0 {
			b.keyed, l.form = true, bareLetter
			return
		}
		if ofSize(err) && l.form == wholeLetter && (b.large == 0 || size < b.large) {
			b.large = size
		}
		l.form++
		return
	}
	switch {
	case b.state == boxOpen:
		b.since, b.wait = now, 0
	case now.Before(b.until):
		return // letters of several sources were refused at once
	}
	b.err = err
	b.wait = min(max(firstHold, 2*b.wait), maxHold)
	b.until = now.Add(b.wait)
	b.state = boxWaiting
	if last := b.since.Add(patience(err)); ofForm(err) || !now.Before(last) {
		b.state = boxClosed
		b.large, b.keyed = 0, false // whoever mends the topic may want to see all of the next one
	} else if last.Before(b.until) { // sources wait no longer
		b.until = last
	}
}

// taken notes that letters were written.
func (b *letterbox) taken() {
	if b.state != boxOpen {
		*b = letterbox{large: b.large, keyed: b.keyed, again: b.again}
	}
}

// ofForm reports whether a record was refused for what it is, so that another
// form of it may be taken: its size, or that it has no key.
func ofForm(err error) bool {
	return ofSize(err) || errors.Is(err, kerr.InvalidRecord)
}

// ofSize reports whether a record, or the batch that it was in, was too large.
func ofSize(err error) bool {
	return errors.Is(err, kerr.MessageTooLarge) || errors.Is(err, kerr.RecordListTooLarge)
}

// box is the letterbox of a topic.
func (w *Worker) box(topic string) *letterbox {
	b := w.sinks.boxes[topic]
	if b == nil {
		b = &letterbox{}
		w.sinks.boxes[topic] = b
	}
	return b
}

// makeLetterTopic makes a topic that is gone, and has its letters written.
func (d *delivery) makeLetterTopic(topic string, box *letterbox) {
	d.helpers.Go(func() {
		if err := d.w.brokers.EnsureTopic(d.helpers.ctx, topic, 1); err != nil {
			return // the letters are told of
		}
		d.helpers.notify(func() {
			d.cl.PurgeTopicsFromProducing(topic) // it has another id
			box.until = time.Now()
		})
	})
}

// decideLetters decides what is done with the letters of a source now: the
// strictest rule of their boxes. Those that are to be dropped are.
func (d *delivery) decideLetters(src *source, now time.Time) ruling {
	r := writeLetters
	if len(src.out.letters) == 0 && !src.out.lettersWait {
		return r
	}
	waits := ""
	src.out.letters = slices.DeleteFunc(src.out.letters, func(l *letter) bool {
		box := d.w.box(l.topic)
		switch rule := box.rule(now); rule {
		case dropLetters:
			src.out.unsent++
			src.out.dropped.add(l)
			if d.w.said.rare("letter "+l.topic, now) {
				src.log.Error("records are counted without a letter: the topic refuses them", "letter_topic", l.topic, "err", box.err, "place", l.place(), "again_in", time.Until(box.until).String())
			}
			return true
		case keepLetters:
			waits = "topic " + l.topic + " refuses letters: " + box.err.Error()
			r = rule
		default:
			r = max(r, rule)
		}
		return false
	})
	if (waits != "") != (src.problems[causeLetters] != "") {
		src.news = true
	}
	if waits != "" {
		src.problems.set(causeLetters, waits)
	} else {
		src.problems.clear(causeLetters)
	}
	src.out.lettersWait = waits != ""
	d.phases.advance(src)
	return r
}
