package worker

import (
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// outbox is what came of a source and is not delivered.
type outbox struct {
	windows     []*kgo.Record // aggregated records
	letters     []*letter     // records put aside
	partials    []*kgo.Record // frames
	bytes       int           // of all these
	due         []time.Time   // of these windows, end + grace, where that says something about latency
	empty       int64         // windows among these that are empty
	unfilled    int64         // empty windows that are not among these, as their gaps are too long
	unsent      int64         // records that were counted without a letter since the last commit
	dropped     dropped       // their letters, for the simulation
	lettersWait bool          // a topic of letters refuses them, and it is not time to try it again
}

// undelivered reports whether there is something to deliver.
func (o *outbox) undelivered() bool { return o.hasRecords() || o.unsent > 0 }

// hasRecords reports whether there is something to write.
func (o *outbox) hasRecords() bool {
	return len(o.windows) > 0 || len(o.letters) > 0 || len(o.partials) > 0
}

// clear is for when all was delivered. The memory is used again.
func (o *outbox) clear() {
	clear(o.windows)
	clear(o.letters)
	clear(o.partials)
	*o = outbox{
		windows: o.windows[:0], letters: o.letters[:0], partials: o.partials[:0], due: o.due[:0],
		dropped: o.dropped, lettersWait: o.lettersWait,
	}
}

// keep leaves what was refused, as the rest was written without a transaction. It
// gives the number of windows among these.
func (o *outbox) keep(refused refusals) (written int) {
	wasWritten := func(r *kgo.Record) bool {
		return !slices.ContainsFunc(refused, func(x refusal) bool { return x.record == r })
	}
	before := len(o.windows)
	o.windows = slices.DeleteFunc(o.windows, wasWritten)
	o.partials = slices.DeleteFunc(o.partials, wasWritten)
	o.letters = slices.DeleteFunc(o.letters, func(l *letter) bool {
		return !slices.ContainsFunc(refused, func(x refusal) bool { return x.letter == l })
	})
	return before - len(o.windows)
}
