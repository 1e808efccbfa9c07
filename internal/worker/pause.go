package worker

import "github.com/lsst-sqre/kafka-aggregator/internal/agent"

// aheadLimit is how much memory the open windows of a partition may take
// while it runs ahead of its topic's watermark. It bounds what a skewed
// backlog costs; the partition that holds the watermark is never paused.
const aheadLimit = 16 << 20

// pause notes to stop fetching partitions that wait for a schema, for the aggregated
// topic or for the other partitions of their topic, have reached the offset to stop at, or run ahead;
// and resumes those that do not any more.
func (s *session) pause(src *source) {
	final := src.agent.Final()
	slowest := src.agent.Slowest()
	for _, p := range src.parts {
		limit := int64(aheadLimit)
		if p.paused {
			limit /= 2
		}
		want := p.waits() || !src.readable() || p.drained(src) || src.ahead(p, limit, slowest, final)
		if want == p.paused {
			continue
		}
		p.paused = want
		if want {
			s.pausing[src.topic] = append(s.pausing[src.topic], p.id)
		} else {
			s.resuming[src.topic] = append(s.resuming[src.topic], p.id)
		}
	}
}

// tellPaused tells the client, in one call for all partitions of a turn: it
// copies its list of what is paused each time.
func (s *session) tellPaused() {
	if len(s.pausing) > 0 {
		s.cl.PauseFetchPartitions(s.pausing)
		clear(s.pausing)
	}
	if len(s.resuming) > 0 {
		s.cl.ResumeFetchPartitions(s.resuming)
		clear(s.resuming)
	}
}

// ahead reports whether a partition has more memory than the limit in windows
// that wait for slower partitions.
func (src *source) ahead(p *part, limit int64, slowest int32, final int64) bool {
	switch {
	case src.merges != "": // whoever ships holds back
		return false
	case src.agent.Complete() && src.sharing != agent.Shipping:
		return p.id != slowest && p.windows.Watermark() > final && p.Memory() > limit
	}
	return p.windows.Ahead(src.merged) > limit
}
