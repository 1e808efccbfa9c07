package worker

import (
	"maps"
	"slices"
	"sync"

	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

// notice is something about the worker as a whole that people should know of, and
// that holds nothing up. Nothing that the worker does depends on it.
type notice uint8

const (
	noticeConfiguration notice = iota // members of the group differ in it
	noticeClock                       // others' clocks differ from this machine's
)

// String is the label of the metric.
func (n notice) String() string { return [...]string{"configuration", "clock"}[n] }

// notices are those that there are now, with their texts.
type notices struct {
	mu    sync.Mutex
	texts map[notice]string
}

// set notes what there is to say, "" if there is nothing any more. It reports whether
// that is new.
func (n *notices) set(what notice, text string) (changed bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.texts[what] == text {
		return false
	}
	if n.texts == nil {
		n.texts = map[notice]string{}
	}
	if n.texts[what] = text; text == "" {
		delete(n.texts, what)
	}
	return true
}

// list is what the status shows.
func (n *notices) list() (out []status.Problem) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, what := range slices.Sorted(maps.Keys(n.texts)) {
		out = append(out, status.Problem{Cause: what.String(), Text: n.texts[what]})
	}
	return out
}
