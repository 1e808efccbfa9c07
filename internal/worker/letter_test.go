package worker

import (
	"bytes"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// batchBytes is what a record takes in a batch of its own on the wire.
func batchBytes(r *kgo.Record) int {
	k := kmsg.Record{Key: r.Key, Value: r.Value}
	for _, h := range r.Headers {
		k.Headers = append(k.Headers, kmsg.Header{Key: h.Key, Value: h.Value})
	}
	k.Length = int32(len(k.AppendTo(nil)))
	b := kmsg.RecordBatch{Records: k.AppendTo(nil)}
	return len(b.AppendTo(nil))
}

// Whatever a record has, its letter fits, and says what is missing; and what
// has room is all there.
func TestLetterFits(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	some := func(n int) []byte { return make([]byte, rng.IntN(1<<rng.IntN(n))) }
	for range 300 {
		r := &kgo.Record{Topic: "t", Partition: 7, Offset: rng.Int64(), Timestamp: time.UnixMilli(1), Key: some(22), Value: some(22)}
		for range rng.IntN(1 << rng.IntN(14)) {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: string(some(6)), Value: some(10)})
		}
		l := newLetter("dead", r, header("error", string(some(12))))
		for l.form = range bareLetter + 1 {
			limit := 20_000 << rng.IntN(7)
			got := l.record(limit)
			if n := batchBytes(got); n > limit && l.form == wholeLetter || l.form != wholeLetter && n > 6000 {
				t.Fatalf("form %d: %d bytes, limit %d", l.form, n, limit)
			}
			h := map[string]string{}
			for _, x := range got.Headers[:min(len(got.Headers), 9)] {
				h[x.Key] = string(x.Value)
			}
			whole := bytes.Equal(got.Key, r.Key) && bytes.Equal(got.Value, r.Value) && len(got.Headers) == len(r.Headers)+5
			fits := batchBytes(r)+1000+len(l.about[4].Value) < limit-1000
			if l.form == wholeLetter && fits && !whole {
				t.Fatalf("a record of %d bytes is not whole in a letter of %d, limit %d", batchBytes(r), batchBytes(got), limit)
			}
			cut := func(name string, was, is int) {
				if (h[name] != "") != (is < was) || is < was && h[name] != strconv.Itoa(was) {
					t.Fatalf("form %d: header %s is %q; %d of %d", l.form, name, h[name], is, was)
				}
			}
			cut("truncated_from", len(r.Value), len(got.Value))
			if l.form != bareLetter {
				cut("key_truncated_from", len(r.Key), len(got.Key))
			} else if string(got.Key) != l.place() {
				t.Fatalf("a bare letter has the key %.100q", got.Key)
			}
		}
	}
}

// A box goes through its states by what is refused, and when.
func TestLetterbox(t *testing.T) {
	now := time.Unix(1000, 0)
	after := func(d time.Duration) time.Time { return now.Add(d) }
	type step struct {
		at      time.Duration
		refused error // nil: taken
		form    letterForm
		state   boxState
		next    letterForm // of the letter
		then    ruling     // right after
		at5s    ruling     // five seconds later
	}
	denied, large, noLeader := kerr.TopicAuthorizationFailed, kerr.MessageTooLarge, kerr.LeaderNotAvailable
	for name, steps := range map[string][]step{
		"too large, in each form": {
			{0, large, wholeLetter, boxOpen, briefLetter, writeLetters, writeLetters},
			{0, large, briefLetter, boxOpen, bareLetter, writeLetters, writeLetters},
			{0, large, bareLetter, boxClosed, bareLetter, dropLetters, tryLetters},
			{5 * time.Second, large, wholeLetter, boxClosed, briefLetter, tryLetters, tryLetters},
			{5 * time.Second, nil, briefLetter, boxOpen, briefLetter, writeLetters, writeLetters},
		},
		"needs a key": {
			{0, kerr.InvalidRecord, wholeLetter, boxOpen, bareLetter, writeLetters, writeLetters},
			{0, nil, bareLetter, boxOpen, bareLetter, writeLetters, writeLetters},
		},
		"not allowed, and allowed in time": {
			{0, denied, wholeLetter, boxWaiting, wholeLetter, keepLetters, tryLetters},
			{5 * time.Second, nil, wholeLetter, boxOpen, wholeLetter, writeLetters, writeLetters},
		},
		"not allowed": {
			{0, denied, wholeLetter, boxWaiting, wholeLetter, keepLetters, tryLetters},
			{5 * time.Second, denied, wholeLetter, boxClosed, wholeLetter, dropLetters, dropLetters},
			{15 * time.Second, denied, wholeLetter, boxClosed, wholeLetter, dropLetters, dropLetters},
			{35 * time.Second, denied, wholeLetter, boxClosed, wholeLetter, dropLetters, dropLetters},
			{time.Hour, nil, wholeLetter, boxOpen, wholeLetter, writeLetters, writeLetters},
			{time.Hour, denied, wholeLetter, boxWaiting, wholeLetter, keepLetters, tryLetters},
		},
		"without a leader for a minute": {
			{0, noLeader, wholeLetter, boxWaiting, wholeLetter, keepLetters, tryLetters},
			{5 * time.Second, noLeader, wholeLetter, boxWaiting, wholeLetter, keepLetters, keepLetters},
			{59 * time.Second, noLeader, wholeLetter, boxWaiting, wholeLetter, keepLetters, tryLetters}, // sources wait no longer
			{60 * time.Second, noLeader, wholeLetter, boxClosed, wholeLetter, dropLetters, dropLetters},
		},
		"not allowed, letters of several sources at once": {
			{0, denied, wholeLetter, boxWaiting, wholeLetter, keepLetters, tryLetters},
			{0, denied, wholeLetter, boxWaiting, wholeLetter, keepLetters, tryLetters},
			{10 * time.Millisecond, denied, wholeLetter, boxWaiting, wholeLetter, keepLetters, tryLetters},
			{5010 * time.Millisecond, denied, wholeLetter, boxClosed, wholeLetter, dropLetters, dropLetters},
			{5020 * time.Millisecond, denied, wholeLetter, boxClosed, wholeLetter, dropLetters, dropLetters},
			{16 * time.Second, denied, wholeLetter, boxClosed, wholeLetter, dropLetters, dropLetters},
			{36 * time.Second, nil, wholeLetter, boxOpen, wholeLetter, writeLetters, writeLetters},
		},
	} {
		b := &letterbox{}
		for i, s := range steps {
			l := &letter{form: s.form}
			if s.refused != nil {
				b.refused(l, 1000, s.refused, after(s.at))
			} else {
				b.taken()
			}
			if b.state != s.state || l.form != s.next || b.rule(after(s.at)) != s.then || b.rule(after(s.at+5*time.Second)) != s.at5s {
				t.Errorf("%s, step %d: %+v, form %d, rules %d and %d, want %+v", name, i, b, l.form, b.rule(after(s.at)), b.rule(after(s.at+5*time.Second)), s)
			}
		}
	}
}

// What is refused of one letter is not tried with others like it, for some
// time; smaller ones, and those with a key, are written whole.
func TestLetterboxRemembers(t *testing.T) {
	now := time.Unix(1000, 0)
	of := func(key, value int) *letter {
		return newLetter("dead", &kgo.Record{Topic: "t", Key: make([]byte, key), Value: make([]byte, value)})
	}
	b := &letterbox{}
	refuse := func(l *letter, err error) letterForm {
		b.refused(l, recordBytes(l.record(defaultBatch)), err, now)
		return l.form
	}
	want := func(form letterForm, l *letter, at time.Time) {
		t.Helper()
		if got := b.form(l, defaultBatch, at); got != form {
			t.Errorf("key of %d bytes, value of %d: form %d, want %d", len(l.key), len(l.value), got, form)
		}
	}
	if form := refuse(of(1, 5000), kerr.MessageTooLarge); form != briefLetter {
		t.Fatalf("form %d", form)
	}
	want(wholeLetter, of(0, 4999), now)
	want(briefLetter, of(1, 5000), now)
	refuse(of(1, 9000), kerr.MessageTooLarge)
	want(briefLetter, of(1, 6000), now)
	if form := refuse(of(0, 10), kerr.InvalidRecord); form != bareLetter {
		t.Fatalf("form %d", form)
	}
	want(bareLetter, of(0, 4999), now)
	want(wholeLetter, of(1, 4998), now)
	want(briefLetter, of(1, 5000), now)
	b.taken()
	want(bareLetter, of(0, 10), now.Add(maxHold))
	for _, l := range []*letter{of(0, 10), of(1, 5000)} {
		want(wholeLetter, l, now.Add(maxHold+1))
	}
}
