package worker

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
	for _, p := range src.agent.Partitions() {
		pp := src.parts[p.ID]
		limit := int64(aheadLimit)
		if pp.paused {
			limit /= 2
		}
		want := pp.waiting != 0 || src.held || !src.agent.Complete() || pp.drained(src) ||
			p.ID != slowest && p.Watermark() > final && p.Memory() > limit
		if want == pp.paused {
			continue
		}
		pp.paused = want
		if want {
			s.pausing[src.topic] = append(s.pausing[src.topic], p.ID)
		} else {
			s.resuming[src.topic] = append(s.resuming[src.topic], p.ID)
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
