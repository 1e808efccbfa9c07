package recovery

import (
	"fmt"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// TopicID is the id that brokers give a topic, zero if they give none.
type TopicID = [16]byte

// Other reports whether two ids of topics of one name tell that one of them was
// deleted.
func Other(a, b TopicID) bool { return a != b && a != TopicID{} && b != TopicID{} }

// Committed is what the group's coordinator holds for a partition.
type Committed struct {
	Offset   int64 // -1: nothing
	Metadata string
}

// Facts are what is known of a partition that is to be read.
type Facts struct {
	Partition  int32
	Start, End int64 // its first and its next offset, by its leader
	Committed  Committed
	TopicID    TopicID // of its topic
	Merges     bool    // the topic has the partials of one with the id SourceID
	SourceID   TopicID
	Frontier   *Frontier // nil: nothing is out, or nobody asked
	Cluster    uint64    // hash of the cluster's id
	Group      string    // for people
	Stamping   uint64    // agent.Stamping.ID of the configuration
	// Anew is Agent.Anew.
	Anew func(offset, final int64) agent.Checkpoint
}

// Start is where a partition is read from.
type Start struct {
	Offset     int64
	Checkpoint agent.Checkpoint
	Lost       int64 // offsets that were deleted before anybody read them
	Notices    []Notice
}

// Notice is something that a person should hear of.
type Notice struct {
	Text   string
	Severe bool
	About  []any // keys and values, in turn
}

func (s *Start) note(text string, about ...any) {
	s.Notices = append(s.Notices, Notice{Text: text, About: about})
}

// Resume decides where a partition is read from, and with which checkpoint. An
// error says what somebody has to do first.
func Resume(f *Facts) (Start, error) {
	if f.Committed.Offset < 0 {
		return f.uncommitted(), nil
	}
	if f.Committed.Metadata == "" {
		return f.foreign()
	}
	return f.committed()
}

// uncommitted is the start of a partition without a committed offset.
func (f *Facts) uncommitted() (s Start) {
	s.Offset = f.Start
	o := f.Frontier
	switch {
	case o == nil:
		s.Checkpoint = agent.Fresh(f.Start)
	case f.Merges && Other(o.Topic, f.SourceID):
		// Nothing of the topic that is there now is out: what has been sent
		// was not merged.
		s.Checkpoint = f.Anew(f.Start, o.Final)
	case f.Merges:
		s.Checkpoint = o.partials(f.Start, f.End)
	case Other(o.Topic, f.TopicID), o.Heads[f.Partition] > f.End:
		// Kafka deletes the offsets of a topic with it. What the windows
		// that are out were computed from is not there any more, by the
		// topic's id or by what there is.
		s.note("the topic was deleted and made again, or cut off; reading it from its start, windows that were out stay out", "out_up_to", time.Unix(0, o.Final).UTC())
		s.Checkpoint = f.Anew(f.Start, o.Final)
	default:
		s.note("the group has no offset for this partition; windows that are out stay out", "out_up_to", time.Unix(0, o.Final).UTC())
		s.Checkpoint = o.checkpoint(f.Partition, f.Start)
	}
	return s
}

// beyond is an error if the committed offset is beyond the end of the partition.
func (f *Facts) beyond() error {
	if f.Committed.Offset <= f.End {
		return nil
	}
	return fmt.Errorf("the committed offset %d is beyond the end %d of the partition: the log was cut off, or the group's offsets were altered; reset the offsets of group %s to go on", f.Committed.Offset, f.End, f.Group)
}

// foreign is the start from an offset that another program has set.
func (f *Facts) foreign() (s Start, err error) {
	if err := f.beyond(); err != nil {
		return s, err
	}
	s.Offset = max(f.Committed.Offset, f.Start)
	s.Checkpoint, s.Lost = agent.Fresh(s.Offset), s.Offset-f.Committed.Offset
	s.note("committed offset has no checkpoint, it was set by another program; windows from here on come out again", "offset", f.Committed.Offset)
	return s, nil
}

// committed is the start from an offset with a checkpoint.
func (f *Facts) committed() (s Start, err error) {
	at := f.Committed.Offset
	c, err := agent.DecodeCheckpoint(f.Committed.Metadata)
	if err != nil {
		return s, fmt.Errorf("metadata of the committed offset %d: %w; upgrade this worker, or reset the offsets of group %s", at, err, f.Group)
	}
	switch beyond := f.beyond(); {
	case Other(c.TopicID, f.TopicID) && c.Cluster == f.Cluster:
		s.note("the topic was deleted and made again; reading it from its start, windows that were out stay out", "offset", at)
		s.Offset, s.Checkpoint = f.Start, f.Anew(f.Start, c.Final)
		s.Checkpoint.Shipped, s.Checkpoint.Newest = c.Shipped, c.Newest
		return s, nil
	case beyond != nil:
		return s, beyond
	case c.Cluster != f.Cluster:
		s.note("the committed offset comes from another cluster; windows that were out stay out", "offset", at)
		s.Offset = max(at, f.Start)
		s.Checkpoint, s.Lost = f.Anew(s.Offset, c.Final), s.Offset-at
		s.Checkpoint.Newest = c.Newest
		return s, nil
	}
	s.Offset = at
	if at < f.Start {
		s.Offset, s.Lost = f.Start, max(0, f.Start-c.Head)
		s.note("records were deleted while this group was away", "offset", at, "log_start", f.Start, "lost", s.Lost)
	}
	if c.Head > f.End {
		s.note("the log was cut off below what has been read", "offset", at, "head", c.Head, "end", f.End)
		s.Notices[len(s.Notices)-1].Severe = true
		c.Head = f.End
	}
	c.Head = max(c.Head, s.Offset)
	if c.Stamping != f.Stamping && !f.Merges {
		var about []any
		if c.Final != window.Unset {
			about = []any{"out_up_to", time.Unix(0, c.Final).UTC()}
		}
		s.note("event_time was changed; windows that were out stay out, and records that belong to them by the new time are late; the first windows by the new time have the header partial", append([]any{"offset", s.Offset}, about...)...)
		c = c.Restamped(s.Offset, f.Stamping)
	}
	s.Checkpoint = c
	return s, nil
}
