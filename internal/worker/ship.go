package worker

import (
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// ship makes frames of what the sources have to ship, each partition in a lane.
// It has to be all that there is: offsets that are committed say so. Frames that
// were refused before stay, and go out first. The memory of others is used again
// by the next call. Sources that cannot ship what they have start over; the
// others are given back.
func (d *delivery) ship(ss []*source, now time.Time) []*source {
	var parts []*part
	shipping := slices.DeleteFunc(slices.Clone(ss), func(src *source) bool {
		return !d.topics.ships(src)
	})
	for _, src := range shipping {
		parts = append(parts, src.sorted()...)
	}
	d.w.lanes.each(len(parts), false, func(_, i int) {
		p := parts[i]
		if len(p.source.out.partials) > 0 {
			p.frames = nil // these have its memory
		}
		p.readToEnd()
		p.frames, p.err = p.windows.Ship(p.source.topicID, p.silentFor(now), p.frames[:0])
	})
	failed := map[*source]bool{}
	for _, p := range parts {
		if p.err != nil && !failed[p.source] {
			failed[p.source] = true
			d.startOver(p.source, p.err, now)
		}
		for _, f := range p.frames {
			p.source.out.partials = append(p.source.out.partials, &kgo.Record{Topic: p.source.partials, Value: f})
		}
	}
	for _, src := range shipping {
		if !failed[src] {
			src.agent.Shipped(src.split.merged, src.split.newest)
			src.split.shipped, src.news = now, true
			d.phases.advance(src)
		}
	}
	return slices.DeleteFunc(slices.Clone(ss), func(src *source) bool { return failed[src] })
}
