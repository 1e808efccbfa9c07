package worker

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

func (w *Worker) setState(name, reason string) {
	s := state{name: name, reason: reason}
	if old := w.board.state.Load(); old != nil {
		s.member = old.member
	}
	w.board.state.Store(&s)
}

// Status is a value of its own; it may be called at any time.
func (w *Worker) Status() status.Status {
	now := time.Now()
	st := w.board.state.Load()
	s := status.Status{
		Time: now, Started: w.board.started, Version: w.opts.Version, State: st.name, Ready: st.reason == "", Reason: st.reason,
		Group: w.cfg.Worker.Group, ID: w.id, MemberID: st.member, Delivery: w.cfg.Worker.Delivery,
		Commits: w.counters.commits.Load(), PlainCommits: w.counters.plainCommits.Load(), Aborts: w.counters.aborts.Load(), Sessions: w.counters.sessions.Load(),
		CommitDuration: w.counters.commitDuration.snapshot(), ResultLatency: w.counters.resultLatency.snapshot(),
	}
	s.Notices = w.board.notices.list()
	if e := w.board.clock.Load(); e != nil {
		s.Clocks = e.clocks()
	}
	if b := w.board.beaten.Load(); b != 0 {
		s.LoopAge = max(0, now.Sub(time.Unix(0, b)).Seconds())
	}
	if t := w.board.topics.Load(); t != nil {
		s.Topics = slices.Clone(*t)
	}
	for i := range s.Topics {
		t := &s.Topics[i]
		if !t.Watermark.IsZero() {
			t.WatermarkDelay = now.Sub(t.Watermark).Seconds()
		}
	}
	return s
}

// report makes the part of the status that the loop owns.
func (s *session) report(now time.Time) {
	every := 250 * time.Millisecond
	if len(s.sources) > 100 {
		every = time.Second
	}
	if now.Sub(s.reported) < every {
		return
	}
	s.reported = now
	member, _ := s.cl.GroupMetadata()
	reason := s.member.outside
	if s.shares.assigned.Load() == nil {
		reason = cmp.Or(reason, "waiting for an assignment from the group")
	}
	reason = cmp.Or(reason, s.member.awaited())
	if s.phases.clock.wrong {
		reason = cmp.Or(reason, "this machine's clock is wrong: see the notice")
	}
	if d := s.pulse.silent(now); d > noAnswer {
		reason = fmt.Sprintf("no broker has answered for %s", d.Truncate(time.Second))
		if s.w.said.rare("pulse", now) {
			s.w.log.Warn("no broker answers", "for", d.Truncate(time.Second).String())
		}
	}
	list := make([]status.TopicStatus, 0, len(s.sources))
	for _, topic := range slices.Sorted(maps.Keys(s.sources)) {
		t := s.topicStatus(s.sources[topic])
		if len(t.Problems) > 0 {
			reason = cmp.Or(reason, fmt.Sprintf("topic %s: %s", topic, t.Problems[0].Text))
		}
		list = append(list, t)
	}
	s.w.board.topics.Store(&list)
	s.w.board.state.Store(&state{name: "running", reason: reason, member: member})
}

func (s *session) topicStatus(src *source) status.TopicStatus {
	n := s.w.total(src.topic)
	c := n.counts
	t := status.TopicStatus{
		Topic: src.topic, AggregatedTopic: src.outputs[0].Topic, Aggregation: src.job.Name, Phase: src.phase.String(),
		Weight: src.load(), WindowSize: src.outputs[0].Size.Seconds(),
		Watermark: stamp(src.agent.Final()), Merges: src.merges, Lost: c.Lost, Rejected: n.rejected, Mismatches: c.Mismatches,
		TopicCounts: status.TopicCounts{
			Records: c.Records - c.Replayed, Bytes: c.Bytes, Windows: n.windows, EmptyWindows: n.empty, UnfilledWindows: n.unfilled, OpenWindows: int64(src.agent.Open()),
			Late: c.Late, LateByClock: c.LateByClock, Future: c.Future, DeadLettered: c.Bad, Unsent: n.unsent, Tombstones: c.Tombstones, Shipped: c.Shipped,
			TimesPassedOver: src.passedOver(c.Stamps), TimeFallbacks: c.Stamps.Fallback, TimesApart: c.Stamps.Apart,
		},
	}
	t.OtherBranches = n.otherBranches()
	if n := src.schemas.newest; n != nil {
		t.Fields, t.LeftOut = n.fields, n.leftOut
		if n.id != noID {
			t.SchemaID = new(n.id)
		}
		if src.merges == "" {
			t.EventTime = n.timeFrom
		}
	}
	s.w.tellArrival(src)
	if v := src.agent.Versions(0); len(v) > 0 {
		t.AggregatedSchema = new(v[len(v)-1].SchemaID)
	}
	for i, o := range src.outputs {
		out := status.OutputStatus{Topic: o.Topic, WindowSize: o.Size.Seconds(), Advance: o.Advance.Seconds()}
		if v := src.agent.Versions(i); len(v) > 0 {
			out.AggregatedSchema = new(v[len(v)-1].SchemaID)
		}
		t.Outputs = append(t.Outputs, out)
	}
	if src.agent.Ships() {
		t.PartialsTopic = src.partials
	}
	if src.agent.Ships() && src.agent.Sharing() != agent.Alone { // its windows are another's to make final
		t.Watermark = time.Time{}
	}
	src.tellUnreadable(s.reported)
	if src.informed() {
		src.problems.clear(causePartitions)
	} else {
		src.problems.set(causePartitions, "not all of its partitions are assigned to this worker; its windows wait")
	}
	t.Problems = src.problems.list()
	var apart disagreement
	for _, p := range src.sorted() {
		open, _ := p.OpenRows()
		clocks := p.clocks()
		apart.look(p.id, clocks, s.reported)
		t.Partitions = append(t.Partitions, status.PartitionStatus{
			Partition: p.id, Position: p.Position(), Committed: p.last.offset, End: p.tail.end, Lag: max(0, p.tail.end-p.Position()),
			Watermark: stamp(p.watermark()), Idle: src.merges == "" && p.silentFor(s.reported) >= int64(src.job.Window.IdleAfter), Paused: p.paused != 0, PausedBy: p.paused.names(), Clocks: statusClocks(clocks),
			Records: p.Counts.Records - p.Counts.Replayed, InWindows: p.Counts.InWindows, Open: open, Late: p.Counts.Late,
			DeadLettered: p.Counts.Bad + p.Counts.Future, Tombstones: p.Counts.Tombstones, Shipped: p.Counts.Shipped,
		})
	}
	src.tellClocks(apart, s.reported)
	return t
}

func stamp(ns int64) time.Time {
	if ns == window.Unset {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}

// kgoLogger passes the client's log on, one level down: what is worth a
// person's attention is said by the worker itself.
type kgoLogger struct{ log *slog.Logger }

func (l kgoLogger) Level() kgo.LogLevel {
	ctx := context.Background()
	switch {
	case l.log.Enabled(ctx, slog.LevelDebug):
		return kgo.LogLevelInfo
	case l.log.Enabled(ctx, slog.LevelWarn):
		return kgo.LogLevelError
	}
	return kgo.LogLevelNone
}

func (l kgoLogger) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	at := slog.LevelDebug
	if level == kgo.LogLevelError {
		at = slog.LevelInfo
	}
	l.log.Log(context.Background(), at, "kafka client: "+msg, keyvals...)
}
