package worker

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// full is an outbox with two of each.
func full() (o outbox, windows, partials []*kgo.Record, letters []*letter) {
	windows, partials = []*kgo.Record{{Topic: "a"}, {Topic: "a"}}, []*kgo.Record{{Topic: "p"}, {Topic: "p"}}
	letters = []*letter{{topic: "l"}, {topic: "l"}}
	o.windows = append(o.windows, windows...)
	o.partials = append(o.partials, partials...)
	o.letters = append(o.letters, letters...)
	o.bytes, o.due = 10, []time.Time{time.Unix(1, 0)}
	return o, windows, partials, letters
}

func TestOutboxIsUndelivered(t *testing.T) {
	r, l := &kgo.Record{}, &letter{}
	for _, c := range []struct {
		name                string
		o                   outbox
		undelivered, writes bool
	}{
		{"nothing", outbox{}, false, false},
		{"a window", outbox{windows: []*kgo.Record{r}}, true, true},
		{"partials", outbox{partials: []*kgo.Record{r}}, true, true},
		{"a letter", outbox{letters: []*letter{l}}, true, true},
		{"a record that is counted without a letter", outbox{unsent: 1}, true, false},
		{"a topic of letters that refuses", outbox{lettersWait: true}, false, false},
	} {
		if c.o.undelivered() != c.undelivered || c.o.hasRecords() != c.writes {
			t.Errorf("%s: undelivered %v, has records %v", c.name, c.o.undelivered(), c.o.hasRecords())
		}
	}
}

// Without a transaction what was not refused is written for good; the rest is kept,
// in order.
func TestOutboxKeepsWhatWasRefused(t *testing.T) {
	o, windows, partials, letters := full()
	written := o.keep(refusals{{record: windows[1]}, {record: partials[0]}, {record: &kgo.Record{}, letter: letters[1]}})
	if written != 1 || len(o.windows) != 1 || o.windows[0] != windows[1] || len(o.partials) != 1 || o.partials[0] != partials[0] || len(o.letters) != 1 || o.letters[0] != letters[1] {
		t.Errorf("%d windows were written, kept %+v", written, o)
	}
}

// What was delivered leaves nothing behind but memory. That a topic of letters refuses
// is not over with it.
func TestOutboxIsCleared(t *testing.T) {
	o, _, _, _ := full()
	o.unsent, o.lettersWait = 3, true
	windows := o.windows
	o.clear()
	if o.undelivered() || o.bytes != 0 || len(o.due) != 0 || !o.lettersWait {
		t.Errorf("%+v", o)
	}
	if windows[0] != nil || windows[1] != nil {
		t.Error("records that were delivered are not let go")
	}
	if cap(o.windows) != cap(windows) {
		t.Error("its memory is not used again")
	}
}
