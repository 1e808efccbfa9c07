package example

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// stream turns a topic's generator into Kafka records, round robin over the
// partitions. Records and values are cut from larger blocks: two allocations
// for blockRecords records.
type stream struct {
	topic     Topic
	generator *Generator
	partition int
	round     int64 // records before, in each partition
	wrong     WrongClock
	frames    []frame // take turns, in each partition
	records   []kgo.Record
	values    []byte
}

const blockRecords = 64

func newStream(seed uint64, t Topic, framings ...Framing) *stream {
	return &stream{topic: t, generator: NewGenerator(seed, t), frames: frames(t, framings)}
}

// next makes the record of time t, as its clock shows it; Kafka keeps milliseconds of it.
func (s *stream) next(t time.Time) *kgo.Record {
	if s.wrong.stamps(s.round) {
		t = t.Add(s.wrong.Ahead)
	}
	if len(s.records) == 0 {
		s.records = make([]kgo.Record, blockRecords)
		s.values = make([]byte, 0, blockRecords*s.size())
	}
	r := &s.records[0]
	s.records = s.records[1:]
	from := len(s.values)
	f := &s.frames[s.round%int64(len(s.frames))]
	s.values = s.generator.AppendData(append(s.values, f.before...), t.UnixNano())
	r.Topic = s.topic.Name
	r.Partition = int32(s.partition)
	r.Timestamp = t
	r.Value = s.values[from:len(s.values):len(s.values)]
	r.Headers = f.headers
	s.partition++
	if s.partition >= s.topic.Partitions {
		s.partition = 0
		s.round++
	}
	return r
}

// size is that of the largest value.
func (s *stream) size() (n int) {
	for _, f := range s.frames {
		n = max(n, len(f.before))
	}
	return n + 8*(1+s.topic.Fields)
}
