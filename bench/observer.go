package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// grace is the windows' of the live benchmarks, the default.
const grace = time.Second

// observer is a plain consumer of aggregated topics that notes when each
// record could be read.
type observer struct {
	client *kgo.Client

	mu     sync.Mutex
	topics map[string]*observed
	seen   int // topics with at least one record
	from   time.Time
	until  time.Time
	fault  error
}

// observed is what has been read of one aggregated topic.
type observed struct {
	class   int
	records int64 // of the source, in all windows
	last    int64 // start of the newest window, ms
	gaps    int64 // windows missing between two others
	delays  []delay
}

// delay is how long after window end + grace a record could be read, and when.
type delay struct {
	at, after time.Duration // at counts from observer.from
}

// observe starts reading; topics are aggregated topics that exist, with their classes.
func (s *stack) observe(topics map[string]int) (*observer, error) {
	o := &observer{topics: map[string]*observed{}}
	var names []string
	for name, class := range topics {
		o.topics[name] = &observed{class: class}
		names = append(names, name)
	}
	var err error
	o.client, err = kgo.NewClient(s.opts(
		kgo.ConsumeTopics(names...), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
	)...)
	return o, err
}

// run reads until ctx ends.
func (o *observer) run(ctx context.Context) {
	defer o.client.Close()
	for ctx.Err() == nil {
		fetches := o.client.PollFetches(ctx)
		now := time.Now()
		o.mu.Lock()
		fetches.EachRecord(func(r *kgo.Record) {
			if err := o.take(r, now); err != nil && o.fault == nil {
				o.fault = fmt.Errorf("%s: offset %d: %w", r.Topic, r.Offset, err)
			}
		})
		o.mu.Unlock()
	}
}

// take reads start and size from the key, source topic|group|start|size in
// ms, and the count from the head of the value.
func (o *observer) take(r *kgo.Record, now time.Time) error {
	key := bytes.Split(r.Key, []byte{'|'})
	if len(key) != 4 {
		return fmt.Errorf("key %q", r.Key)
	}
	start, err := strconv.ParseInt(string(key[2]), 10, 64)
	if err != nil {
		return err
	}
	size, err := strconv.ParseInt(string(key[3]), 10, 64)
	if err != nil {
		return err
	}
	t := o.topics[r.Topic]
	switch {
	case t.records == 0:
		o.seen++
	case start <= t.last:
		return fmt.Errorf("window %d comes after %d", start, t.last)
	default:
		t.gaps += (start-t.last)/size - 1
	}
	t.last = start
	count, err := countOf(r.Value)
	if err != nil {
		return err
	}
	t.records += count
	due := time.UnixMilli(start + size).Add(grace)
	if !o.from.IsZero() && due.After(o.from) && due.Before(o.until) {
		t.delays = append(t.delays, delay{due.Sub(o.from), now.Sub(due)})
	}
	return nil
}

// countOf reads the count behind wire header, time, start, end and size.
func countOf(value []byte) (int64, error) {
	at := 5 + 8
	for i := range 3 {
		if at > len(value) {
			break
		}
		v, n := binary.Varint(value[at:])
		if n <= 0 {
			break
		}
		if i == 2 {
			return v, nil
		}
		if at += n; i == 1 {
			at += 8
		}
	}
	return 0, fmt.Errorf("a record of %d bytes has no count", len(value))
}

// startOf reads the start in ms behind the time.
func startOf(body []byte) (int64, error) {
	if len(body) > 8 {
		if v, n := binary.Varint(body[8:]); n > 0 {
			return v, nil
		}
	}
	return 0, fmt.Errorf("a body of %d bytes has no start", len(body))
}

// measure has delays noted of windows that are due between two times.
func (o *observer) measure(from, until time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.from, o.until = from, until
}

// status is how many topics have given records, and how many records of the
// sources are in them.
func (o *observer) status() (topics int, records, gaps int64, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, t := range o.topics {
		records += t.records
		gaps += t.gaps
	}
	return o.seen, records, gaps, o.fault
}

// state is for the error of a run that does not come to its end.
func (o *observer) state() string {
	if o == nil {
		return ""
	}
	seen, records, gaps, _ := o.status()
	return fmt.Sprintf(" (results of %d topics out of %d, of %d records; %d gaps)", seen, len(o.topics), records, gaps)
}

// delays of a class (-1: of all) that were due between two moments after the
// start, ascending.
func (o *observer) delays(class int, from, until time.Duration) []time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []time.Duration
	for _, t := range o.topics {
		if class >= 0 && t.class != class {
			continue
		}
		for _, d := range t.delays {
			if d.at >= from && d.at < until {
				out = append(out, d.after)
			}
		}
	}
	slices.Sort(out)
	return out
}

// quantile is the value at rank q·n of n.
func quantile(ascending []time.Duration, q float64) time.Duration {
	if len(ascending) == 0 {
		return 0
	}
	return ascending[min(len(ascending)-1, int(q*float64(len(ascending))))]
}
