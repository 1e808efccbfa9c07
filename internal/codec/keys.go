package codec

import (
	"fmt"
	"strings"

	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

// keyed is a map of which some keys are fields.
type keyed struct {
	index map[string]int
	slots []int32
	subs  []*program // of the value of each key
	least int64      // bytes of an entry
}

// keys are those of a map that are to be fields.
func (sel *Selection) keys(path string) (keys []string) {
	for _, k := range sel.MapKeys {
		if key, ok := strings.CutPrefix(k, path+"."); ok && key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}

// keys expands a map of which some keys are fields: m.key, called m_key, as if the
// map were a record.
func (p *projection) keys(t, b *typ, branch int, m *member, keys []string, path, name string) *place {
	s := p.sel.sampling(b.elem)
	some, real := s.some(b.elem)
	nothing := &place{typ: t, path: path}
	switch {
	case p.lists > 0:
		p.leave(path, t.String(), "keys of maps in arrays and maps are no fields (fields.map_keys)")
		return nothing
	case !some:
		p.leave(path, t.String(), "map values: "+p.whyNone(b.elem))
		return nothing
	}
	p.others(b.elem, path+"{}", func(i int) bool { return s.takes(b.elem.branches[i]) })
	pl := &place{typ: t, path: path, take: takeKeys, branch: branch}
	p.mixed++ // it was not always aggregated
	for _, key := range keys {
		in := p.add(b.elem, takeScalar, -1, real, m, path+"."+key, legalName(name+"_"+key))
		if in.take != takeNothing {
			pl.inside, pl.keys = append(pl.inside, in), append(pl.keys, key)
		}
	}
	p.mixed--
	return pl
}

// keys emits the code for a map of which some keys are fields.
func (c *compiler) keys(p *program, pl *place, t *typ) {
	k := keyed{index: map[string]int{}, least: 1 + t.elem.minSize()}
	for i, in := range pl.inside {
		if c.slots[in.field] < 0 {
			continue
		}
		sub := &program{min: t.elem.minSize()}
		c.scalar(sub, t.elem, c.target(in.field), in.path)
		k.index[pl.keys[i]] = len(k.slots)
		k.slots, k.subs = append(k.slots, c.slots[in.field]), append(k.subs, sub)
	}
	c.d.keyed = append(c.d.keyed, k)
	p.emit(instr{op: opKeys, slot: int32(len(c.d.keyed) - 1), m: c.sub(t.elem)}, origin{path: pl.path})
}

// keys decodes a map of which some keys are fields. A key that is not there is
// absent; of one that is there twice the first holds.
func (d *Decoder) keys(p *program, pc int, b []byte, pos int, dst []float64, row *Row, depth int) (int, error) {
	in := &p.code[pc]
	k, skip := &d.keyed[in.slot], d.subs[in.m]
	for _, slot := range k.slots {
		dst[slot] = stats.Absent
	}
	for {
		items, next, end, reason := block(b, pos)
		switch {
		case reason != "":
			return p.fail(pc, 0, pos, reason)
		case items == 0:
			return next, nil
		case items > int64(len(b)-next)/k.least:
			return p.fail(pc, 0, pos, fmt.Sprintf("map block of %d entries, %d bytes are left", items, len(b)-next))
		}
		pos = next
		for range items {
			_, from := varint(b, pos)
			next, reason := skipText(b, pos)
			if reason != "" {
				return p.fail(pc, 0, pos, reason)
			}
			pos = next
			sub := skip
			i, ok := k.index[string(b[from:pos])]
			if ok && stats.IsAbsent(dst[k.slots[i]]) {
				sub = k.subs[i]
			} else {
				ok = false
			}
			var err error
			if pos, err = d.run(sub, b, pos, dst, row, depth+1); err != nil {
				if !ok {
					err = within(err, p.where(pc, 0))
				}
				return pos, err
			}
		}
		if end >= 0 && pos != end {
			return p.fail(pc, 0, pos, fmt.Sprintf("map block ends at byte %d, its head says %d", pos, end))
		}
	}
}
