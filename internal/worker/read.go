package worker

import (
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/framing"
	"github.com/lsst-sqre/kafka-aggregator/internal/invariants"
)

// process takes the records of a batch, up to one whose schema is not known
// yet. It runs in a lane and touches nothing but this partition; what it
// reads of the source changes between iterations only.
func (p *part) process(now time.Time, deadLetter string) {
	s := p.source
	if invariants.Enabled {
		p.verifyBatch()
	}
	if p.merger != nil {
		p.merge(now, deadLetter)
		return
	}
	stop, stops := s.stopAt(p.id)
	clock, timed := now.UnixNano(), s.job.timed()
	var plan *agent.Plan
	planRef, planID := noSchema, noID
	var f framing.Frame
	var inflater *framing.Inflater
	defer func() {
		if inflater != nil {
			inflater.Free()
		}
	}()
	p.waiting = noSchema
	for i, r := range p.batch {
		switch {
		case r.Offset < p.Position(): // fetched before the position was set
			r.Recycle()
			continue
		case stops && r.Offset >= stop:
			p.Skip(stop - 1)
			p.recycle(i)
			p.cut = true
			return
		case r.Attrs.IsControl():
			p.Skip(r.Offset)
			r.Recycle()
			continue
		case r.Value == nil:
			t, _ := eventTime(r)
			p.windows.Tombstone(r.Offset, r.LeaderEpoch, t)
			r.Recycle()
			continue
		}
		t, err := eventTime(r)
		if timed && err != nil { // it may have another one
			t, err = agent.NoTime, nil
		}
		id, body, plain := s.framing.Plain(r.Value)
		plain = plain && (len(r.Headers) == 0 || !framing.Named(r.Headers))
		if !plain || id != planID || err != nil { // it is not as the one before
			planID = noID
			if err == nil {
				f, err = s.framing.Read(r.Headers, r.Value)
			}
			if err != nil {
				p.set(r, p.windows.Reject(r.Offset, r.LeaderEpoch, t, agent.ForGood), err, now, deadLetter)
				continue
			}
			if f.Doubtful {
				f, p.waiting = p.settle(f, r.Value, now)
			}
			if p.waiting == noSchema && (plan == nil || f.Ref != planRef) {
				if plan, err = p.plan(f.Ref, now); plan == nil && err == nil {
					p.waiting = f.Ref
				}
				planRef = f.Ref
			}
			if p.waiting != noSchema {
				p.batch = slices.Delete(p.batch, 0, i)
				return
			}
			if err != nil {
				p.set(r, p.windows.Reject(r.Offset, r.LeaderEpoch, t, agent.ForNow), p.tried(f, r.Value, err), now, deadLetter)
				plan = nil
				continue
			}
			if plain {
				planID = id
			}
			if body = f.Body; f.Compressed {
				if inflater == nil {
					inflater = framing.NewInflater()
				}
				if body, err = inflater.Inflate(body); err != nil {
					p.set(r, p.windows.Reject(r.Offset, r.LeaderEpoch, t, agent.ForGood), p.tried(f, r.Value, err), now, deadLetter)
					continue
				}
			}
		}
		p.Counts.Bytes += int64(len(r.Value))
		v, err := p.windows.Add(r.Offset, r.LeaderEpoch, t, clock, plan, body)
		if p.windows.InDoubt() {
			p.windows.SentBy(r.ProducerID)
		}
		if v == agent.Accepted || v == agent.Replayed {
			r.Recycle()
			continue
		}
		if v == agent.Bad {
			err = p.tried(f, r.Value, fmt.Errorf("%s: %w", s.framing.Name(f.Ref), err))
		}
		p.set(r, v, err, now, deadLetter)
	}
	clear(p.batch)
	p.batch = p.batch[:0]
}

// recycle drops the batch from record i on.
func (p *part) recycle(i int) {
	for _, r := range p.batch[i:] {
		r.Recycle()
	}
	clear(p.batch)
	p.batch = p.batch[:0]
}

// schema is what is known of a schema: nil without an error if that has to be
// found out first, or again; an error if its records cannot be read. Before the
// partition was assigned another worker may have read them, if the schema was
// registered since this one asked; they are read the same way again.
func (p *part) schema(ref framing.Ref, now time.Time) (*schema, error) {
	found := p.source.schemas.byRef[ref]
	switch {
	case found == nil, found.err != nil && (now.After(found.until) || found.since.Before(p.since)):
		return nil, nil
	case found.err != nil:
		return nil, found.err
	}
	return found, nil
}

// plan is how records of a schema are read: nil without an error if that has
// to be found out first, an error if they cannot be.
func (p *part) plan(ref framing.Ref, now time.Time) (*agent.Plan, error) {
	if plan := p.plans[ref]; plan != nil {
		return plan, nil
	}
	found, err := p.schema(ref, now)
	if found == nil {
		return nil, err
	}
	plan := &agent.Plan{Decoder: found.decoder.Clone(), Versions: found.versions}
	p.plans[ref] = plan
	return plan, nil
}

// set puts a record aside that gets into no window: it goes to the
// dead-letter topic or the topic of late records, if there is one.
func (p *part) set(r *kgo.Record, v agent.Verdict, err error, now time.Time, deadLetter string) {
	s := p.source
	switch v {
	case agent.Bad:
		if deadLetter != "" {
			p.letters = append(p.letters, newLetter(deadLetter, r, header("error", err.Error())))
		}
		if !p.warned {
			p.warned = true
			s.log.Warn("bad record; more of this partition are counted but not logged", "partition", r.Partition, "offset", r.Offset, "err", err)
		}
	case agent.Future:
		if deadLetter != "" {
			p.letters = append(p.letters, newLetter(deadLetter, r, header("error", aheadOf(timestamp(r), s.job.Window.MaxFutureSkew, now))))
		}
	case agent.Late:
		t := r.Timestamp.UnixNano()
		if s.job.timed() {
			t = p.windows.Time()
		}
		by := "order"
		if p.Counts.LateByClock > p.lateByClock {
			by = "clock"
		}
		p.late(r, t, header("late_by", by))
	}
	p.lateByClock = p.Counts.LateByClock
	r.Recycle()
}

// late makes a letter of a late record with event time t (ns), if there is a topic for such.
func (p *part) late(r *kgo.Record, t int64, more ...kgo.RecordHeader) {
	job := p.source.job
	if job.Late.Policy != "topic" {
		return
	}
	s := job.set.Grid.Shapes[0]
	why := append([]kgo.RecordHeader{header("window", string(agent.Key(r.Topic, "", s.Last(t), s.Size)))}, more...)
	p.letters = append(p.letters, newLetter(job.Late.Topic, r, why...))
}
