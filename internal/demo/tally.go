package demo

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/example"
)

// tally counts windows from source records, and aggregated records, without
// knowing anything of the worker. It is safe for concurrent use.
type tally struct {
	size, grace int64 // ms

	mu      sync.Mutex
	topics  map[string]*topicTally
	names   []string
	records int64 // source records
	results int64 // aggregated records
	end     int64 // ms, when the traffic stopped; 0 while it flows
	live    []time.Duration
	last    []time.Duration
}

// topicTally has the windows of one topic that are not settled yet. A window
// is settled, and forgotten, when it has its records and is a while old.
type topicTally struct {
	records, expected, produced int64
	windows                     map[int64]*windowTally // by start, ms
	newest                      int64                  // start of the newest window with a result
	faults                      []string
}

type windowTally struct {
	records int64 // source records seen
	count   int64 // the aggregated record's count
	results int64 // aggregated records
}

const (
	settledAfter = 64        // windows
	keptLatency  = 1_000_000 // values
)

func newTally(size, grace time.Duration, topics []string) *tally {
	t := &tally{size: size.Milliseconds(), grace: grace.Milliseconds(), topics: map[string]*topicTally{}, names: topics}
	for _, name := range topics {
		t.topics[name] = &topicTally{windows: map[int64]*windowTally{}}
	}
	return t
}

// source counts a source record by its Kafka timestamp (ms).
func (t *tally) source(topic string, timestamp int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	one := t.topics[topic]
	t.records++
	one.records++
	w := one.window(timestamp - timestamp%t.size)
	if w.records == 0 {
		one.expected++
	}
	w.records++
}

// result counts an aggregated record of the window that begins at start (ms),
// readable since now.
func (t *tally) result(topic string, start, count int64, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	one := t.topics[topic]
	t.results++
	one.produced++
	w := one.window(start)
	w.results++
	w.count = count
	one.newest = max(one.newest, start)
	due := start + t.size + t.grace
	latency := now.Sub(time.UnixMilli(due))
	if t.end > 0 && due >= t.end {
		t.last = append(t.last, latency)
	} else if len(t.live) < keptLatency {
		t.live = append(t.live, latency)
	}
	one.settle(one.newest - settledAfter*t.size)
}

func (one *topicTally) window(start int64) *windowTally {
	w := one.windows[start]
	if w == nil {
		w = &windowTally{}
		one.windows[start] = w
	}
	return w
}

// settle judges windows that began before a time, and forgets them.
func (one *topicTally) settle(before int64) {
	if len(one.windows) < 2*settledAfter {
		return
	}
	for start, w := range one.windows {
		if start < before {
			one.judge(start, w)
			delete(one.windows, start)
		}
	}
}

func (one *topicTally) judge(start int64, w *windowTally) {
	at := time.UnixMilli(start).UTC().Format("15:04:05.000")
	switch {
	case w.results == 0:
		one.fault("window %s: %d source records, no aggregated record", at, w.records)
	case w.records == 0:
		one.fault("window %s: an aggregated record, no source record", at)
	case w.results > 1:
		one.fault("window %s: %d aggregated records", at, w.results)
	case w.count != w.records:
		one.fault("window %s: the aggregated record counts %d records, the source has %d", at, w.count, w.records)
	}
}

func (one *topicTally) fault(format string, args ...any) {
	one.faults = append(one.faults, fmt.Sprintf(format, args...))
}

// stopped says that the traffic has ended: what becomes due later waits for
// the topic to be idle, and is not in the latency of live traffic.
func (t *tally) stopped(at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = at.UnixMilli()
}

// complete is true when all source records were seen and every window of
// theirs has a result.
func (t *tally) complete(records int64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.records < records {
		return false
	}
	for _, one := range t.topics {
		for _, w := range one.windows {
			if w.results == 0 {
				return false
			}
		}
	}
	return true
}

// counts are what was seen up to now.
func (t *tally) counts(rate example.Rate) Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return Counts{Records: t.records, Results: t.results, Rate: rate}
}

// Summary is how a demo came out.
type Summary struct {
	Records            int64           // of the source topics
	Expected, Produced int64           // windows
	Live, Last         []time.Duration // from window end + grace until the result was read, sorted; Last are of windows that became due after the traffic had stopped
	Faults             []string        // the first ones of each topic; there are none if each window has one record
	FaultCount         int
	Rate               example.Rate // of the traffic
}

// summary judges all windows. It ends the tally.
func (t *tally) summary() Summary {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := Summary{Records: t.records, Live: t.live, Last: t.last}
	for _, name := range t.names {
		one := t.topics[name]
		s.Expected += one.expected
		s.Produced += one.produced
		for start, w := range one.windows {
			one.judge(start, w)
		}
		slices.Sort(one.faults)
		s.FaultCount += len(one.faults)
		for _, f := range one.faults[:min(len(one.faults), 5)] {
			s.Faults = append(s.Faults, name+": "+f)
		}
	}
	slices.Sort(s.Live)
	slices.Sort(s.Last)
	return s
}

// Quantile is the smallest value that at least the part q of all values does
// not exceed; 0 if there are none. sorted is in ascending order.
func Quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	i := int(q*float64(len(sorted))+0.999999) - 1
	return sorted[min(max(i, 0), len(sorted)-1)]
}
