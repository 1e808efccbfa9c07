package worker

import (
	"fmt"
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
	for _, src := range ss {
		if s.ships(src) {
			parts = append(parts, src.sorted()...)
		}
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
		if s.ships(src) {
			src.agent.Shipped(src.merged)
			src.shipped, src.news = now, true
		}
	}
	return nil
}

// delivered notes that the frames of a source are written and its partitions
// are committed.
func (s *session) delivered(src *source) {
	clear(src.frames)
	src.frames = src.frames[:0]
	if src.agent.Complete() {
		src.uneven = false
	}
}
