//go:build e2e

package e2e

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/test/stack"
)

// stampedSchema has the time of the measurement in seconds of TAI, and, in a nested record,
// once more in microseconds.
const stampedSchema = `{"type":"record","name":"stamped","fields":[
	{"name":"label","type":"string"},
	{"name":"private_sndStamp","type":["null","double"]},
	{"name":"header","type":["null",{"type":"record","name":"header","fields":[{"name":"at","type":["null",{"type":"long","logicalType":"timestamp-micros"}]},{"name":"n","type":"int"}]}]},
	{"name":"x","type":"double"},
	{"name":"big","type":"long"},
	{"name":"list","type":{"type":"array","items":["null","float"]}}
]}`

// Topics whose records are stamped when they arrive, some minutes after they were measured,
// with the time of the measurement in TAI in a field, or in another one, out of order, missing, or
// nonsense: one topic is read by several workers, of which some are killed. Each window of the
// measurement has exactly one right record, and what has no time is dead-lettered.
func TestEventTime(t *testing.T) {
	const grace = 2 * time.Second
	s := stack.New(t)
	config := s.Config("^stamped-[a-z]+$",
		"    event_time: {field: [private_sndStamp, header.at], scale: tai, fallback: bad}",
		"    fields: {exclude: [time, window_start, window_end, window_size, count, private_sndStamp]}",
		"    window: {size: 1s, grace: 2s, idle_after: 30s}",
		"    max_workers_per_topic: 3",
		"    late: {policy: topic, topic: late}")
	topics := map[string]int32{"stamped-split": 3, "stamped-whole": 1}
	sources := map[string]*stack.Source{}
	for topic, partitions := range topics {
		s.CreateStamped(partitions, topic)
		sources[topic] = s.Source(topic, stampedSchema)
	}
	random := rand.New(rand.NewPCG(5, 6))
	at := time.Now().Add(-10 * time.Minute).Truncate(time.Second)
	bad := 0
	produce := func(seconds int) {
		var records []*kgo.Record
		for range seconds * 20 {
			at = at.Add(time.Second / 20)
			for topic, partitions := range topics {
				event := at.Add(-time.Duration(random.Int64N(int64(grace * 3 / 4))))
				if random.IntN(50) == 0 {
					event = at.Add(-time.Duration(random.Int64N(int64(3 * grace)))) // late, or not
				}
				tai := event.Add(37 * time.Second)
				header := map[string]any{"at": tai, "n": random.Int32()}
				r := map[string]any{"label": strings.Repeat("l", random.IntN(200)), "private_sndStamp": float64(tai.UnixNano()) / 1e9, "header": nil,
					"x": random.NormFloat64(), "big": int64(random.Uint64()), "list": []any{nil, float32(random.Float64())}}
				switch random.IntN(20) {
				case 0:
					r["private_sndStamp"], r["header"] = nil, header
				case 1:
					r["private_sndStamp"], r["header"] = 0.0, header
				case 2:
					r["private_sndStamp"], r["header"] = math.NaN(), header
				case 3:
					r["private_sndStamp"], r["header"] = float64(time.Now().Add(24*time.Hour).Unix()), header
				case 4:
					r["private_sndStamp"], bad = nil, bad+1
				case 5:
					r["private_sndStamp"], r["header"], bad = -1.0, map[string]any{"at": nil, "n": int32(1)}, bad+1
				case 6:
					r["header"] = header
				}
				records = append(records, sources[topic].Record(random.Int32N(partitions), time.Now(), r))
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
	for i := range 5 {
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
	v := s.Oracle("^stamped-[a-z]+$", "--event-time", "private_sndStamp,header.at", "--scale", "tai", "--fallback", "bad",
		"--exclude", "private_sndStamp", "--grace-ms", "2000", "--late", "late", "--dead-letters", "dead-letter")
	if v.Late == 0 || v.Bad != bad || v.InWindows+v.Late+v.Bad != v.Source || v.Windows < 2*80 {
		t.Errorf("%d source records, %d in windows, %d late, %d bad of %d; %d windows", v.Source, v.InWindows, v.Late, v.Bad, bad, v.Windows)
	}
}

// By Kafka's timestamp the same records would be in windows of their arrival, which the
// worker says, with the field that is likely to have the time.
func TestArrivalTimeIsSaid(t *testing.T) {
	s := stack.New(t)
	s.CreateStamped(1, "stamped-said")
	source := s.Source("stamped-said", stampedSchema)
	tai := float64(time.Now().Add(37*time.Second).UnixMilli()) / 1000
	s.Produce(source.Record(0, time.Now(), map[string]any{"label": "", "private_sndStamp": tai, "header": nil, "x": 1.0, "big": int64(1), "list": []any{}}))
	worker := s.Start("worker", "worker", "-c", s.Config("^stamped-said$"))
	worker.Logged(30*time.Second, "message.timestamp.type=LogAppendTime", "likely_fields", "private_sndStamp")
	worker.Terminate(20 * time.Second)
}
