package worker

import (
	"slices"
	"testing"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/pipeline"
)

// What a topic says of this machine's clock does not change because topics wait for it
// and their records get old: else they would be read on, and set aside.
func TestWordOfTopicsThatWait(t *testing.T) {
	const m = time.Minute
	now := time.Now()
	job := &job{Spec: &pipeline.Spec{Aggregation: &config.Aggregation{Window: config.Window{MaxFutureSkew: 5 * m}}}}
	src := &source{job: job, parts: map[int32]*part{}}
	part := func(id int32, ahead time.Duration) {
		p := &part{source: src}
		src.parts[id] = p
		p.tail.newest.take(newestRecord{now.Add(ahead).UnixNano(), now}, now)
	}
	part(0, 10*m)
	c := &ownClock{}
	says := func(after time.Duration, want time.Duration) {
		t.Helper()
		w, ok := c.word(src, now.Add(after))
		if ok != (want != 0) || w.ahead != want || ok && w.skew != 5*m {
			t.Errorf("after %v: %+v %v, want %v", after, w, ok, want)
		}
	}
	says(0, 10*m)
	says(m-1, 10*m)
	says(m, 0) // it may be another now
	c.wrong = true
	says(m, 10*m)
	says(24*time.Hour, 10*m)
	part(1, -time.Second) // one honest partition contradicts, one of old data does not
	part(2, -time.Hour)
	says(0, -time.Second)
	delete(src.parts, 1)
	says(0, 10*m)
}

// Of the records of a topic the honest ones count, however few they are.
func TestWordOfHonestRecords(t *testing.T) {
	const m = time.Minute
	now := time.Now()
	job := &job{Spec: &pipeline.Spec{Aggregation: &config.Aggregation{Window: config.Window{MaxFutureSkew: 5 * m}}}}
	p := &part{source: &source{job: job, parts: map[int32]*part{}}}
	p.source.parts[0] = p
	c := &ownClock{}
	come := func(after time.Duration, ahead ...time.Duration) {
		var times []int64
		for _, a := range ahead {
			times = append(times, now.Add(after+a).UnixNano())
		}
		c.take(p, slices.Values(times), now.Add(after))
	}
	says := func(after time.Duration, want time.Duration) {
		t.Helper()
		if w, ok := c.word(p.source, now.Add(after)); !ok || w.ahead != want {
			t.Errorf("after %v: %+v %v, want %v", after, w, ok, want)
		}
	}
	come(0, 10*m, 10*m, time.Second, 10*m, -time.Hour)
	if c.ahead {
		t.Error("one of the records is not ahead")
	}
	for s := range 80 {
		come(time.Duration(s)*time.Second, 10*m)
		want := time.Second
		if s >= 60 { // it is forgotten
			want = 10 * m
		}
		says(time.Duration(s)*time.Second, want)
	}
	if !c.ahead {
		t.Error("all records are ahead")
	}
}
