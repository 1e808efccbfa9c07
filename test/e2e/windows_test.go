//go:build e2e

package e2e

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/test/stack"
)

// Windows of three sizes, of which the longest overlap, on a topic that is split
// and on one that is not, while workers are killed in the middle of the long
// windows and come back: each has exactly one right record, and what is late is in
// none of them. Of a topic with a record every 7 s most of the short ones are empty.
// At the end one worker is left, which has the topic as a whole.
func TestWindows(t *testing.T) {
	const grace, sparse = 2 * time.Second, "windows-sparse"
	s := stack.New(t)
	config := s.Config("^windows-[a-z]+$",
		"    aggregated_topic: '{source_topic}.{size}'",
		"    windows: [1s, {size: 5s, operations: [min, q1, mean, median, stdev, q3, max]}, {size: 20s, advance: 5s}]",
		"    emit_empty: true",
		"    window: {grace: 2s, idle_after: 30s}",
		"    max_workers_per_topic: 3",
		"    late: {policy: topic, topic: late}")
	topics := map[string]int32{"windows-split": 3, "windows-whole": 1, sparse: 1}
	sources := map[string]*stack.Source{}
	for topic, partitions := range topics {
		s.Create(partitions, topic)
		sources[topic] = s.Source(topic, nestedSchema)
	}
	random := rand.New(rand.NewPCG(1, 2))
	start := time.Now().Add(-3 * time.Minute).Truncate(time.Minute)
	at := start
	// produce sends the records of so many seconds, out of order by up to twice the grace.
	produce := func(seconds int) {
		var records []*kgo.Record
		for range seconds * 20 {
			at = at.Add(time.Second / 20)
			for topic, partitions := range topics {
				stamp := at
				if topic == sparse {
					if at.UnixMilli()%7000 == 0 {
						records = append(records, sources[topic].Record(0, stamp, nestedRecord(random)))
					}
					continue
				}
				if random.IntN(10) == 0 {
					stamp = at.Add(-time.Duration(random.Int64N(int64(2 * grace))))
				}
				records = append(records, sources[topic].Record(random.Int32N(partitions), stamp, nestedRecord(random)))
			}
		}
		s.Produce(records...)
	}
	produce(12)
	names := []string{"worker-a", "worker-b", "worker-c"}
	workers := map[string]*stack.Process{}
	for _, name := range names {
		workers[name] = s.Start(name, "worker", "-c", config)
	}
	for i := range 6 {
		produce(12)
		time.Sleep(3 * time.Second)
		name := names[i%len(names)]
		workers[name].Kill()
		produce(3)
		workers[name] = s.Start(name, "worker", "-c", config)
	}
	time.Sleep(5 * time.Second)
	for _, name := range names {
		workers[name].Terminate(20 * time.Second)
	}
	s.Start("worker", "worker", "-c", config, "--stop-at-end").Wait(time.Minute)
	v := s.Oracle("^windows-[a-z]+$", "--aggregated", "{source_topic}.{size}", "--windows", "1s,5s,20s/5s",
		"--grace-ms", "2000", "--late", "late", "--dead-letters", "dead-letter", "--empty")
	if v.Late == 0 || v.Windows < 2*(100+20+20) || v.InWindows+v.Late != v.Source {
		t.Errorf("%d source records, %d in windows of 1s, %d late; %d windows", v.Source, v.InWindows, v.Late, v.Windows)
	}
}
