package worker

import (
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// hasPartials reports whether the topic for the partials of a source is known here.
func (s *session) hasPartials(src *source) bool {
	_, ok := s.known[src.partials]
	return ok
}

// ships reports whether a source has a merging worker to keep informed.
func (s *session) ships(src *source) bool { return src.agent.Ships() && s.hasPartials(src) }

// waits reports whether a source has something to ship, or did ship, and its
// topic for partials is not known here yet.
func (s *session) waits(src *source) bool { return src.agent.Ships() && !s.hasPartials(src) }

// ship makes frames of what the sources have to ship, each partition in a lane.
// Their memory is used again by the next call: until then they are written, or
// the session is over.
func (s *session) ship(ss []*source, now time.Time) error {
	var parts []*part
	ss = slices.DeleteFunc(slices.Clone(ss), func(src *source) bool {
		return !s.ships(src) || len(src.frames) > 0 // what was refused goes out before there is more
	})
	for _, src := range ss {
		parts = append(parts, src.sorted()...)
	}
	s.lanes.each(len(parts), false, func(_, i int) {
		p := parts[i]
		p.frames, p.err = p.windows.Ship(p.source.topicID, p.silentFor(now), p.frames[:0])
	})
	for _, p := range parts {
		if p.err != nil {
			return fmt.Errorf("topic %s: %w", p.source.topic, p.err)
		}
		for _, f := range p.frames {
			p.source.frames = append(p.source.frames, &kgo.Record{Topic: p.source.partials, Value: f})
		}
	}
	for _, src := range ss {
		src.agent.Shipped(src.merged)
		src.shipped, src.news = now, true
	}
	return nil
}
