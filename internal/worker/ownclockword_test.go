package worker

import (
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
		p.tail.newest = newestRecord{now.Add(ahead).UnixNano(), now}
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
