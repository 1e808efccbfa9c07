package worker

import (
	"errors"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/recovery"
)

// A source topic that is deleted and made again is another topic of the same
// name, which its id tells. Whoever reads it drops all that it has of the former
// one (update). Whoever merges it goes by one id at a time, and takes no frames of
// others:
//
//	its own       are merged
//	former        are passed over: what was not out of that topic is lost with it
//	not known     wait until a look at the topics, begun a while after they were met,
//	              has told whether the topic was made again. If so, the source starts
//	              over as that of the new topic; if not, they are of a former one

// knownByAll is how long all brokers may take until they know that a topic was made
// again, after those who ship do.
const knownByAll = 2 * time.Second

// noTopicID is that of brokers that give topics none.
var noTopicID recovery.TopicID

// other reports whether two ids of topics of one name tell that one of them was
// deleted.
func other(a, b recovery.TopicID) bool { return !brokenID && recovery.Other(a, b) }

var errMadeAgain = errors.New("its topic was deleted and made again meanwhile")

// unknown is the topic of a frame that waits.
type unknown struct {
	hash uint32
	met  time.Time // zero: no frame waits
}

// waits reports whether the partition has a record or a frame that it cannot go on
// without knowing more.
func (p *part) waits() bool { return p.waiting != noSchema || !p.unknown.met.IsZero() }

// strange reports whether a frame is not of the topic that the source goes by, and
// whether that is a former one.
func (p *part) strange(frame []byte) (hash uint32, strange, former bool) {
	hash, err := agent.FrameTopic(frame)
	if brokenID {
		p.merger.Topic = hash
	}
	return hash, err == nil && hash != p.merger.Topic, p.source.formers[hash]
}

// takeTopics has sources that merge go by the topics that were there at a time, or
// later: those that the brokers have described.
func (s *session) takeTopics(described []string, asked, now time.Time) {
	for _, topic := range described {
		for _, src := range s.sources {
			if src.merges == topic {
				s.takeTopic(src, asked, now)
			}
		}
	}
}

func (s *session) takeTopic(src *source, asked, now time.Time) {
	if id := s.topics.known[src.merges].id; id != src.mergesID && !brokenID {
		s.startOver(src, errMadeAgain, now)
		return
	}
	for _, p := range src.parts {
		if u := p.unknown; !u.met.IsZero() && asked.Sub(u.met) >= knownByAll {
			src.log.Warn("the topic was deleted and made again; what was not out of the former one is left out", "topic_made_again", src.merges)
			src.formers[u.hash] = true
			p.unknown = unknown{}
			s.enqueue(p)
			src.touch(s)
		}
	}
}

// lookForMadeAgain has the topics looked at while frames wait for that.
func (s *session) lookForMadeAgain() {
	for _, src := range s.sources {
		for _, p := range src.parts {
			if !p.unknown.met.IsZero() {
				s.topics.lookSoon()
			}
		}
	}
}
