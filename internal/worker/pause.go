package worker

// aheadLimit is how much memory the open windows of a partition may take
// while it runs ahead of its topic's watermark. It bounds what a skewed
// backlog costs; the partition that holds the watermark is never paused.
const aheadLimit = 16 << 20

// pause stops fetching partitions that wait for a schema, for the aggregated
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
		which := map[string][]int32{src.topic: {p.ID}}
		if want {
			s.cl.PauseFetchPartitions(which)
		} else {
			s.cl.ResumeFetchPartitions(which)
		}
	}
}
