package worker

import (
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// hasPartials reports whether the topic for the partials of a source is known here.
func (s *session) hasPartials(src *source) bool {
	_, ok := s.topics.known[src.partials]
	return ok
}

// ships reports whether a source has a merging worker to keep informed.
func (s *session) ships(src *source) bool { return src.agent.Ships() && s.hasPartials(src) }

// lacksPartials reports whether a source has something to ship, or did ship, and its
// topic for partials is not known here yet.
func (s *session) lacksPartials(src *source) bool { return src.agent.Ships() && !s.hasPartials(src) }

// ship makes frames of what the sources have to ship, each partition in a lane.
// It has to be all that there is: offsets that are committed say so. Frames that
// were refused before stay, and go out first. The memory of others is used again
// by the next call. Sources that cannot ship what they have start over; the
// others are given back.
func (s *session) ship(ss []*source, now time.Time) []*source {
	var parts []*part
	shipping := slices.DeleteFunc(slices.Clone(ss), func(src *source) bool {
		return !s.ships(src)
	})
	for _, src := range shipping {
		parts = append(parts, src.sorted()...)
	}
	s.w.lanes.each(len(parts), false, func(_, i int) {
		p := parts[i]
		if len(p.source.out.partials) > 0 {
			p.frames = nil // these have its memory
		}
		p.frames, p.err = p.windows.Ship(p.source.topicID, p.silentFor(now), p.frames[:0])
	})
	failed := map[*source]bool{}
	for _, p := range parts {
		if p.err != nil && !failed[p.source] {
			failed[p.source] = true
			s.startOver(p.source, p.err, now)
		}
		for _, f := range p.frames {
			p.source.out.partials = append(p.source.out.partials, &kgo.Record{Topic: p.source.partials, Value: f})
		}
	}
	for _, src := range shipping {
		if !failed[src] {
			src.agent.Shipped(src.split.merged)
			src.split.shipped, src.news = now, true
			s.advance(src)
		}
	}
	return slices.DeleteFunc(slices.Clone(ss), func(src *source) bool { return failed[src] })
}
