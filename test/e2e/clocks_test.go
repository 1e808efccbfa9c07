//go:build e2e

package e2e

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/test/stack"
)

// Instruments that share partitions, one of which has a clock that is 37 s ahead, as
// one that takes TAI for UTC, and one that is slow, and a worker that is killed: no record
// is late, and each is in the window that its timestamp says.
func TestWrongClocks(t *testing.T) {
	s := stack.New(t)
	config := s.Config("^clocks$",
		"    window: {size: 1s, grace: 1s, idle_after: 30s}",
		"    late: {policy: topic, topic: late}")
	s.Create(2, "clocks")
	source := s.Source("clocks", nestedSchema)
	random := rand.New(rand.NewPCG(3, 4))
	at := time.Now().Add(-5 * time.Minute).Truncate(time.Second)
	produce := func(seconds int) {
		var records []*kgo.Record
		for range seconds * 20 {
			at = at.Add(time.Second / 20)
			stamp := at.Add(-time.Duration(random.Int64N(int64(200 * time.Millisecond))))
			switch random.IntN(5) {
			case 0, 1:
				stamp = stamp.Add(37 * time.Second)
			case 2:
				stamp = stamp.Add(-20 * time.Second)
			}
			records = append(records, source.Record(random.Int32N(2), stamp, nestedRecord(random)))
		}
		s.Produce(records...)
	}
	produce(60)
	worker := s.Start("worker-a", "worker", "-c", config)
	time.Sleep(5 * time.Second)
	produce(20)
	worker.Kill()
	produce(60)
	worker = s.Start("worker-b", "worker", "-c", config)
	time.Sleep(5 * time.Second)
	worker.Kill()
	s.Start("worker", "worker", "-c", config, "--stop-at-end").Wait(time.Minute)
	v := s.Oracle("^clocks$", "--grace-ms", "1000", "--late", "late", "--dead-letters", "dead-letter")
	if v.Late != 0 || v.InWindows != v.Source || v.Source != 140*20 {
		t.Errorf("%d source records, %d in windows, %d late", v.Source, v.InWindows, v.Late)
	}
}
