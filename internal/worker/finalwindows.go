package worker

import (
	"cmp"
	"encoding/base64"
	"math"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/invariants"
)

// task is a final window to be computed in a lane.
type task struct {
	source *source
	window agent.Window
	result agent.Result
}

// finish makes windows final, computes them, and appends their records to
// what is pending. ss are the sources to look at. When there are agent.Enough windows,
// the sources that come after are looked at again: there may be gaps to be filled in each.
func (s *session) finish(ss []*source, now time.Time) {
	s.iteration.tasks = s.iteration.tasks[:0]
	rows := int64(0)
	for _, src := range ss {
		if !src.phase.reads() {
			continue
		}
		if len(s.iteration.tasks) >= agent.Enough {
			src.news = true
			continue
		}
		mark := src.agent.Watermark(src.activity(now), now.UnixNano())
		ended := src.phase.atEnd()
		if ended {
			mark = max(mark, src.agent.CloseAll())
		}
		s.iteration.closing = src.agent.Close(mark, s.iteration.closing[:0])
		src.news = src.news || len(s.iteration.closing) > agent.Enough // there may be more
		for _, w := range s.iteration.closing {
			s.iteration.tasks = append(s.iteration.tasks, task{source: src, window: w})
			rows += w.Rows() * int64(src.fields())
			src.noteGap(w)
		}
		for _, w := range s.iteration.closing {
			if w.Empty() { // it comes when the next one does
				continue
			}
			// What a lagging worker, the clock or an end closes tells nothing about latency.
			if end := time.Unix(0, w.Start+src.job.set.Grid.Shapes[w.Output].Size+src.job.set.Grace); !ended && !s.iteration.lagging() && now.Sub(end) < time.Hour {
				src.out.due = append(src.out.due, end)
			}
		}
	}
	s.w.lanes.each(len(s.iteration.tasks), rows < smallWork, func(lane, i int) {
		t := &s.iteration.tasks[i]
		t.result = t.source.job.computers[lane][t.window.Output].Compute(t.source.agent, t.window)
	})
	for i := range s.iteration.tasks {
		t := &s.iteration.tasks[i]
		if invariants.Enabled {
			s.order.verify(t.source.agent.Topic, &t.result, t.window.Empty())
		}
		t.source.agent.Release(t.window)
		record := aggregatedRecord(t.source, t.source.sourceID(), &t.result)
		s.w.warnOfRetention(t.source, record, now)
		t.source.out.windows = append(t.source.out.windows, record)
		t.source.out.bytes += len(t.result.Value)
		if t.window.Empty() {
			t.source.out.empty++
		}
	}
	clear(s.iteration.tasks)
}

// noteGap notes that the gap before a window is too long to be filled.
func (src *source) noteGap(w agent.Window) {
	if w.Unfilled == 0 {
		return
	}
	src.out.unfilled += int64(min(w.Unfilled, math.MaxInt32))
	src.log.Warn("a gap has too many empty windows; none of them is written", "aggregated_topic", src.outputs[w.Output].Topic, "windows", w.Unfilled, "up_to", time.Unix(0, w.Start).UTC(), "limit", agent.MaxGap)
}

func aggregatedRecord(src *source, id [16]byte, r *agent.Result) *kgo.Record {
	ranges := make([]byte, 0, 32*len(r.Ranges))
	for i, o := range r.Ranges {
		if i > 0 {
			ranges = append(ranges, ' ')
		}
		ranges = strconv.AppendInt(ranges, int64(o.Partition), 10)
		ranges = append(ranges, ':')
		ranges = strconv.AppendInt(ranges, o.First, 10)
		ranges = append(ranges, '-')
		ranges = strconv.AppendInt(ranges, o.Last, 10)
		ranges = append(ranges, '/')
		ranges = strconv.AppendInt(ranges, o.Count, 10)
	}
	headers := []kgo.RecordHeader{header("source_topic", cmp.Or(src.merges, src.topic)), {Key: "source_offsets", Value: ranges}}
	if id != noTopicID {
		headers = append(headers, header("source_topic_id", base64.RawURLEncoding.EncodeToString(id[:])))
	}
	if r.Partial {
		headers = append(headers, header("partial", "true"))
	}
	if r.Approximation.Any() {
		headers = append(headers, header("approximate", r.Approximation.String()))
	}
	return &kgo.Record{Topic: src.outputs[r.Output].Topic, Key: r.Key, Value: r.Value, Timestamp: time.UnixMilli(r.Time / 1e6), Headers: headers}
}

// lag is how many offsets the source's partitions are behind what was last
// seen of their ends.
func (src *source) lag() (n int64) {
	for _, p := range src.parts {
		n += max(0, p.tail.end-p.Position())
	}
	return n
}
