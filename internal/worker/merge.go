package worker

import (
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/framing"
)

// merge takes the frames of a batch, up to one whose schema, or topic, is not known yet.
// As process, it runs in a lane.
func (p *part) merge(now time.Time, deadLetter string) {
	p.waiting, p.unknown = noSchema, unknown{}
	for i, r := range p.batch {
		t := r.Timestamp.UnixNano()
		switch {
		case r.Offset < p.Position():
			r.Recycle()
			continue
		case r.Attrs.IsControl():
			p.Skip(r.Offset)
			r.Recycle()
			continue
		}
		if hash, strange, former := p.strange(r.Value); strange {
			if !former {
				p.unknown = unknown{hash, now}
				p.batch = slices.Delete(p.batch, 0, i)
				return
			}
			_, _ = p.merger.Add(r.Offset, r.LeaderEpoch, t, r.Value, nil)
			r.Recycle()
			continue
		}
		until := agent.ForGood
		id, rows, err := agent.FrameSchema(r.Value)
		var plan *agent.MergePlan
		if err == nil && rows {
			until = agent.ForNow
			if plan, err = p.mergePlan(id, now); plan == nil && err == nil {
				p.waiting = framing.ID(id)
				p.batch = slices.Delete(p.batch, 0, i)
				return
			}
		}
		p.Counts.Bytes += int64(len(r.Value))
		if err != nil {
			p.refuse(r, p.merger.Reject(r.Offset, r.LeaderEpoch, t, until), err, now, deadLetter)
			continue
		}
		v, err := p.merger.Add(r.Offset, r.LeaderEpoch, t, r.Value, plan)
		p.refuse(r, v, err, now, deadLetter)
	}
	clear(p.batch)
	p.batch = p.batch[:0]
}

// refuse dead-letters a frame that is bad. Of records that are late while they
// were on the way, the topic of late records gets the place in the source
// topic, where their bytes are.
func (p *part) refuse(r *kgo.Record, v agent.Verdict, err error, now time.Time, deadLetter string) {
	switch v {
	case agent.Bad:
		p.set(r, v, err, now, deadLetter)
		return
	case agent.Late:
		for _, l := range p.merger.Late {
			at := &kgo.Record{Topic: p.source.merges, Partition: l.Partition, Offset: l.Offset, Timestamp: time.Unix(0, l.Time)}
			p.late(at, l.Time, header("late_by", "clock"), header("omitted", "value"))
		}
	}
	r.Recycle()
}

// mergePlan is how frames with the slots of an aggregated schema are read: nil
// without an error if that has to be found out first.
func (p *part) mergePlan(id int, now time.Time) (*agent.MergePlan, error) {
	if plan := p.merges[id]; plan != nil {
		return plan, nil
	}
	found, err := p.schema(framing.ID(id), now)
	if found == nil {
		return nil, err
	}
	plan := &agent.MergePlan{Slots: found.slots, Versions: found.versions}
	p.merges[id] = plan
	return plan, nil
}

const purgeEvery = 30 * time.Second

// purge deletes the partials that are not needed any more: those below the
// committed offset. Without the right to do so, retention does it.
func (f *flow) purge(now time.Time) {
	if now.Sub(f.purged) < purgeEvery {
		return
	}
	f.purged = now
	offsets := merged(f.sources)
	if len(offsets) == 0 {
		return
	}
	f.helpers.Go(func() {
		if err := f.w.brokers.DeleteRecords(f.helpers.ctx, offsets); err != nil && f.helpers.ctx.Err() == nil {
			f.w.log.Debug("deleting partials that were merged failed", "err", err)
		}
	})
}
