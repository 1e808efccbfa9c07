package worker

import (
	"math/bits"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
)

// reasons is a set of what a partition is paused for. Whether records are
// fetched and processed, the status, the metric and the page go by the same set.
type reasons uint8

const (
	pausedSchema     reasons = 1 << iota // its next record cannot be read without a schema that is asked for
	pausedOutput                         // an aggregated topic does not take records
	pausedLetters                        // the dead-letter topic, or that of late records, does not
	pausedPartials                       // the topic for partials is not there
	pausedPartitions                     // what is final is not known, as not all partitions of the topic are here
	pausedEnd                            // the offset to stop at is reached
	pausedClock                          // this machine's clock is wrong
	pausedAhead                          // its windows fill the memory while others of the topic are behind in time
)

var reasonNames = [...]string{"schema", "output", "letters", "partials", "partitions", "end", "clock", "ahead"}

// names are the labels of the metric.
func (r reasons) names() []string {
	var out []string
	for ; r != 0; r &= r - 1 {
		out = append(out, reasonNames[bits.TrailingZeros8(uint8(r))])
	}
	return out
}

// when is the set if a condition holds, else the empty one.
func (r reasons) when(holds bool) reasons {
	if holds {
		return r
	}
	return 0
}

// aheadLimit is how much memory the open windows of a partition may take
// while it runs ahead of its topic's watermark. It bounds what a skewed
// backlog costs; the partition that holds the watermark is never paused.
const aheadLimit = 16 << 20

// pause notes to stop fetching partitions that have a reason to wait, and
// resumes those that have none any more.
func (s *session) pause(src *source) {
	final := src.agent.Final()
	slowest := src.agent.Slowest()
	for _, p := range src.parts {
		limit := int64(aheadLimit)
		if p.paused&pausedAhead != 0 {
			limit /= 2
		}
		before := p.paused
		p.paused = src.lacks | p.reasons() | pausedEnd.when(p.drained(src)) | pausedAhead.when(src.ahead(p, limit, slowest, final))
		switch {
		case before == 0 && p.paused != 0:
			s.fetching.pause[src.topic] = append(s.fetching.pause[src.topic], p.id)
		case before != 0 && p.paused == 0:
			s.fetching.resume[src.topic] = append(s.fetching.resume[src.topic], p.id)
		}
	}
}

// reasons are those for which what was fetched of the partition cannot be processed.
func (p *part) reasons() reasons { return pausedSchema.when(p.waits()) }

// fetching is what the client is to be told of partitions that are paused, by topic.
type fetching struct{ pause, resume map[string][]int32 }

func newFetching() fetching {
	return fetching{map[string][]int32{}, map[string][]int32{}}
}

// tell tells the client, in one call for all partitions of an iteration: it
// copies its list of what is paused each time.
func (f *fetching) tell(cl *kgo.Client) {
	if len(f.pause) > 0 {
		cl.PauseFetchPartitions(f.pause)
		clear(f.pause)
	}
	if len(f.resume) > 0 {
		cl.ResumeFetchPartitions(f.resume)
		clear(f.resume)
	}
}

// ahead reports whether a partition has more memory than the limit in windows
// that wait for slower partitions.
func (src *source) ahead(p *part, limit int64, slowest int32, final int64) bool {
	switch {
	case src.merges != "": // whoever ships holds back
		return false
	case src.agent.Complete() && src.split.sharing != agent.Shipping:
		return p.id != slowest && p.windows.Watermark() > final && p.Memory() > limit
	}
	return p.windows.Ahead(src.split.merged) > limit
}
