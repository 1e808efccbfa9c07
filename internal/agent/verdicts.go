package agent

import (
	"github.com/lsst-sqre/kafka-aggregator/internal/invariants"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// Verdicts remember, with the build tag invariants, what became of the records
// of a source partition, from one session of a worker to the next: a record
// that is read again has to get into the window that it was in, and one that
// was refused must not get into any.
type Verdicts struct {
	topicID   [16]byte
	committed map[int64]int64 // window of a record by its offset; window.Unset: none
	fresh     map[int64]int64 // the same, not committed yet
	doubts    []doubt
	passed    int // records whose verdict was compared
}

// doubt is a record that is judged otherwise than before. If it turns out that
// not the same records were read again, it may be.
type doubt struct{ offset, was, is int64 }

// Remember has the partition judge against verdicts of earlier sessions; v is
// changed.
func (p *Partition) Remember(v *Verdicts, topicID [16]byte) {
	if v.committed == nil || v.topicID != topicID {
		*v = Verdicts{topicID: topicID, committed: map[int64]int64{}}
	}
	v.fresh, v.doubts = map[int64]int64{}, nil
	p.verdicts = v
}

// Committed notes that low is committed, with what was judged up to now.
func (v *Verdicts) Committed(low int64) {
	for offset, start := range v.fresh {
		v.committed[offset] = start
	}
	clear(v.fresh)
	for offset := range v.committed {
		if offset < low {
			delete(v.committed, offset)
		}
	}
}

// Compared is how many records were read again and judged as before.
func (v *Verdicts) Compared() int { return v.passed }

// judged compares a verdict with that of the first time. start is the window
// of an accepted record, window.Unset of another.
func (p *Partition) judged(offset, t int64, replay bool, start int64) {
	v := p.verdicts
	if !replay {
		v.fresh[offset] = start
		return
	}
	was, known := v.committed[offset]
	if !known || p.watch.anchored || len(p.resume.Refused) == maxSpans {
		return
	}
	v.passed++
	slice := p.set.Grid.Start(t)
	switch {
	case was == start:
	case start == window.Unset && (!p.needed(slice) || p.set.Grid.End(slice) <= p.resume.Shipped):
	default:
		v.doubts = append(v.doubts, doubt{offset, was, start})
	}
}

// settled looks at what was judged otherwise, when all was read again.
func (p *Partition) settled() {
	if v := p.verdicts; v != nil {
		if p.watch.same && len(v.doubts) > 0 {
			d := v.doubts[0]
			invariants.Violated("%s/%d: %d records are judged otherwise than before, first offset %d: it was in window %d and is in %d (%d: in none)", p.agent.Topic, p.ID, len(v.doubts), d.offset, d.was, d.is, int64(window.Unset))
		}
		v.doubts = nil
	}
}
