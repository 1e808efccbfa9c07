package worker

import (
	"sync"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/assignment"
)

// meter has the loads that a worker tells the group. They outlive a session, so
// that the next one has something to tell when it joins.
type meter struct {
	measured time.Time // by the loop

	mu    sync.Mutex
	loads map[string]map[int32]float64 // bytes/s by topic and partition
}

func (m *meter) take(loads map[string]map[int32]float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.loads = loads
}

// told is what the balancer tells the group.
func (m *meter) told() map[string]map[int32]float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.loads
}

// rateEvery is how often the loads of topics are measured.
const rateEvery = 5 * time.Second

// rates smooths the bytes per second of each source, for the balancer. What a
// partition that is behind is read at says little about it; what lies before
// it counts then.
func (s *session) rates(now time.Time) {
	d := now.Sub(s.w.meter.measured)
	if d < rateEvery {
		return
	}
	s.w.meter.measured = now
	loads := map[string]map[int32]float64{}
	for topic, src := range s.sources {
		s.tellLate(src, now)
		loads[topic] = map[int32]float64{}
		for id, p := range src.parts {
			rate := float64(p.Counts.Bytes-p.load.counted) / d.Seconds()
			p.load.counted = p.Counts.Bytes
			if p.load.rate == 0 {
				p.load.rate = rate
			}
			p.load.rate += (rate - p.load.rate) / 6 // a time constant of half a minute
			loads[topic][id] = max(p.load.rate, assignment.BacklogLoad(p.behind()))
		}
	}
	s.hot(now)
	s.w.meter.take(loads)
}

// askEvery is the least time between two requests for a new assignment because
// of a load.
const askEvery = 5 * time.Minute

// hot asks for a new assignment when a topic that may be shared out has become
// too heavy for one worker: loads are exchanged when members join only. If the
// answer leaves the topic here, it is asked again when the load has grown.
func (s *session) hot(now time.Time) {
	if now.Sub(s.shares.asked) < askEvery {
		return
	}
	for topic, src := range s.sources {
		load := src.load()
		if s.advisor.maxWorkers(topic) != 0 || len(src.parts) < 2 || !src.agent.Complete() || !assignment.Hot(load, src.asked) {
			continue
		}
		src.asked, s.shares.asked = load, now
		src.log.Info("asking for a new assignment: the topic is heavy", "bytes_per_second", int64(load))
		s.cl.ForceRebalance()
	}
}
