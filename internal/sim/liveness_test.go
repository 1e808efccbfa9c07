//go:build synctests

package sim

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// What is wrong with one topic does not hold up the others. For each window the
// oracle knows by when all was there that it needs: it has to be out soon after. Only
// faults that concern its topic, or all topics, may put that off.

// promptness is how long after its time a window is out at most, beside idle_after
// and while nothing is wrong with its topic or with all.
const promptness = 6 * time.Second

// stragglers is how much longer it may take where some records come late: these look
// like those of another clock, which is waited for.
const stragglers = 30 * time.Second

func (t *topicPlan) promptness(length time.Duration) time.Duration {
	if t.late > 0 || len(t.clocks) > 0 {
		return promptness + stragglers + t.behind(length)
	}
	return promptness
}

// tick is how exact the times are at which windows should be out.
const tick = 500 * time.Millisecond

// outSample is how far the committed records of a partition went at a time.
type outSample struct {
	at        time.Time
	partition int32
	end       int64
}

// sampleOutputs looks at the ends of the aggregated topics while there is traffic,
// and somewhat longer.
func (w *world) sampleOutputs() {
	adm := kadm.NewClient(w.client(w.net.link("auditor")))
	defer adm.Close()
	var topics []string
	for _, t := range w.plan.topics {
		topics = append(topics, t.name+suffix)
	}
	last := map[string]map[int32]int64{}
	for w.since() < w.plan.length+settling {
		time.Sleep(sampling)
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		ends, _ := adm.ListCommittedOffsets(ctx, topics...) // what does not answer is asked again
		cancel()
		now := time.Now()
		ends.Each(func(o kadm.ListedOffset) {
			if o.Err != nil || o.Offset <= last[o.Topic][o.Partition] {
				return
			}
			if last[o.Topic] == nil {
				last[o.Topic] = map[int32]int64{}
			}
			last[o.Topic][o.Partition] = o.Offset
			w.outs[o.Topic] = append(w.outs[o.Topic], outSample{now, o.Partition, o.Offset})
		})
	}
}

// span is a time in which windows may be held up.
type span struct{ from, to time.Duration }

// disturbed says when the windows of a topic may be held up, from the plan and
// with time to recover; letters tells whether it has any.
func (p *plan) disturbed(t *topicPlan, letters bool) (out []span) {
	const (
		rebalance = 8 * time.Second // until partitions that went to another worker are read there
		session   = 10 * time.Second
		recovery  = 45 * time.Second
	)
	add := func(at, length, after time.Duration) { out = append(out, span{at, at + length + after}) }
	for _, w := range p.workers {
		add(0, w.start, rebalance)
	}
	for _, f := range p.faults {
		own := f.topic == t.name || f.topic == t.name+suffix || f.topic == partials(t.name) || letters && (f.topic == deadTopic || f.topic == lateTopic)
		switch f.what {
		case "leaderless", "refuse", "gone", "limit":
			if own {
				add(f.at, f.length, f.length+recovery) // what is held waits twice as long each time
			}
		case "pieces":
		case "restart", "kill":
			add(f.at, min(f.length, session), rebalance)
		case "extra worker":
			add(f.at, 0, rebalance)
			add(f.at+f.length, session, rebalance)
		default:
			add(f.at, f.length, recovery)
		}
	}
	for _, other := range p.topics { // the group shares topics out anew
		if other.created > 0 {
			add(other.created, 0, rebalance+10*time.Second)
		}
		if other.more > 0 {
			add(other.grow, 0, rebalance+10*time.Second)
		}
	}
	for _, other := range p.topics { // it is looked for, and given out anew
		if r := other.again; r != nil {
			add(r.at, r.away, rebalance+10*time.Second)
			switch {
			case other.name == t.name && t.again != nil: // nobody can read it any more
				add(r.at, time.Hour, 0)
			case other.name == t.name:
				add(0, r.at+r.away, recovery)
			}
			if r.topic.more > 0 {
				add(r.topic.grow, 0, rebalance+10*time.Second)
			}
		}
	}
	if p.resplit > 0 {
		add(p.resplit, time.Duration(len(p.workers))*session, rebalance)
	}
	return out
}

// calmTime is how much of a time is not disturbed.
func calmTime(from, to time.Duration, disturbed []span) (calm time.Duration) {
	slices.SortFunc(disturbed, func(a, b span) int { return int(a.from - b.from) })
	at := from
	for _, d := range disturbed {
		if d.from > at {
			calm += max(0, min(d.from, to)-at)
		}
		at = max(at, d.to)
	}
	return calm + max(0, to-at)
}

// punctual: each window is out in time, if nothing is wrong that concerns it.
func (j *court) punctual(topic string, late, dead map[*input]*letter) {
	if j.outs == nil {
		return
	}
	for _, l := range j.of(topic) {
		letters := slices.ContainsFunc(l.inputs, func(in *input) bool { return late[in] != nil || dead[in] != nil })
		disturbed := j.plan.disturbed(l.topicPlan, letters)
		due := j.due(l, late)
		out := map[string]time.Duration{} // by window
		for _, r := range j.records[topic+suffix] {
			if _, ok := out[string(r.Key)]; !ok && j.lifeOf(topic, r) == l {
				out[string(r.Key)] = j.outAt(r)
			}
		}
		for _, k := range slices.Sorted(maps.Keys(due)) {
			at, ok := out[k]
			if !ok {
				at = j.plan.length + settling // or it is missing, which is found elsewhere
			}
			if held := calmTime(due[k], at, disturbed); held > j.plan.idle+l.promptness(j.plan.length) {
				j.add("%s: window %s was due at %v and out at %v, held up for %v though nothing was wrong with its topic", topic, k, due[k], at, held)
			}
			j.slowest = max(j.slowest, calmTime(due[k], at, disturbed)-j.plan.idle)
		}
	}
}

// outAt is when a record was there for all to read.
func (j *court) outAt(r *kgo.Record) time.Duration {
	for _, s := range j.outs[r.Topic] {
		if s.partition == r.Partition && s.end > r.Offset {
			return s.at.Sub(j.begin)
		}
	}
	return j.plan.length + settling
}

// due is when the windows of a topic have to be out: when all partitions have
// passed their end, or are silent. It is found out without the benefit of the doubt,
// for what a partition that may be silent or not says.
func (j *court) due(l *life, late map[*input]*letter) map[string]time.Duration {
	type state struct {
		inputs  []*input
		next    int           // of these, the first that is not there yet
		reached int64         // watermark
		last    time.Time     // when the last record came
		from    time.Duration // when the partition is made
	}
	parts := make([]*state, l.all())
	for id := range parts {
		parts[id] = &state{reached: never, last: j.begin}
		if id >= l.partitions {
			parts[id].from = l.grow
		}
	}
	lag := time.Duration(0) // until a record can be read
	if l.transactional {
		lag = 3 * time.Second
	}
	open := map[string]int64{} // windows that are not due, with their ends
	for _, in := range l.inputs {
		parts[in.partition].inputs = append(parts[in.partition].inputs, in)
		unread := l.gone && j.windowEnd(in.ms) <= in.high // it may be late, and nobody has come to say so
		if _, isLate := late[in]; in.accepted() && !isLate && !unread {
			open[j.key(l.name, j.windowEnd(in.ms))] = j.windowEnd(in.ms)
		}
	}
	due := map[string]time.Duration{}
	final, closable := int64(never), int64(never)
	for at := time.Duration(0); at < j.plan.length+settling && len(open) > 0; at += tick {
		now := j.begin.Add(at)
		active, low, clock := false, int64(never), int64(never)
		for _, s := range parts {
			if at < s.from {
				continue
			}
			for ; s.next < len(s.inputs) && s.inputs[s.next].acked.Add(lag).Before(now); s.next++ {
				in := s.inputs[s.next]
				s.last = in.acked.Add(lag)
				if _, isLate := late[in]; in.accepted() && !isLate {
					s.reached = max(s.reached, in.ms-j.plan.grace.Milliseconds())
					closable = max(closable, j.windowEnd(in.ms))
				}
			}
			flying := s.next < len(s.inputs) && s.inputs[s.next].sent.Before(now)
			if silent := now.Sub(s.last); silent >= j.plan.idle && !flying {
				if s.reached != never {
					clock = max(clock, s.reached+silent.Milliseconds())
				}
			} else if !active || s.reached < low {
				active, low = true, s.reached
			}
		}
		if !active {
			low = min(clock, closable)
		}
		final = max(final, low)
		for k, end := range open {
			if end <= final {
				due[k] = at
				delete(open, k)
			}
		}
	}
	return due
}
