package worker

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/brokers"
)

// flow is what a worker that ships, or merges, has asked for.
type flow struct {
	w       *Worker
	helpers *helpers
	topics  *catalog
	sources map[string]*source // of the session
	asking  bool               // how far the merging workers are
	asked   time.Time
	purged  time.Time // when partials were last deleted
}

// progress is which windows are out, as the merging workers have committed it, by
// topic with partials.
type progress map[string]agent.Checkpoint

// followEvery is how often a worker that ships asks how far the merging one is;
// followSoon, while it holds partitions back.
const (
	followEvery = time.Second
	followSoon  = 200 * time.Millisecond
)

// follow asks, while this worker ships, how far the merging workers are: to
// hold back partitions that run ahead, since what they ship would fill the
// memory of the other; and to know when windows can be computed here again.
func (f *flow) follow(now time.Time) {
	if now.Sub(f.asked) < followSoon || f.asking {
		return
	}
	var topics []string
	waits := false
	for _, src := range f.sources {
		if f.topics.ships(src) {
			topics = append(topics, src.partials)
			for _, p := range src.parts {
				waits = waits || p.paused != 0
			}
		}
	}
	if len(topics) == 0 || !waits && now.Sub(f.asked) < followEvery {
		return
	}
	f.asked = now
	f.asking = true
	f.helpers.Go(func() {
		ctx, cancel := context.WithTimeout(f.helpers.ctx, brokers.AdminTimeout)
		defer cancel()
		got := progress{}
		offsets, err := f.w.brokers.Admin.FetchOffsets(ctx, f.w.cfg.Worker.Group)
		for _, topic := range topics {
			if o, ok := offsets.Lookup(topic, 0); ok && err == nil {
				if c, err := agent.DecodeCheckpoint(o.Metadata); err == nil {
					got[topic] = c
				}
			}
		}
		f.helpers.notify(func() { f.takeProgress(got) })
	})
}

// takeProgress notes how far the merging workers are.
func (f *flow) takeProgress(got progress) {
	f.asking = false
	for _, src := range f.sources {
		if c, ok := got[src.partials]; ok && src.merges == "" {
			src.split.merged, src.split.newest, src.news = c.Final, c.Newest, true
		}
	}
}

// merged are the offsets below which partials are not needed any more.
func merged(sources map[string]*source) kadm.Offsets {
	offsets := kadm.Offsets{}
	for _, src := range sources {
		for id, p := range src.parts {
			if p.merger != nil && p.last.offset > p.purged {
				offsets.AddOffset(src.topic, id, p.last.offset, -1)
				p.purged = p.last.offset
			}
		}
	}
	return offsets
}
