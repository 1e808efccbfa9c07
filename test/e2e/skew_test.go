//go:build e2e

package e2e

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
	"github.com/lsst-sqre/kafka-aggregator/test/stack"
)

const (
	skewAhead  = 2_000_000 // records of partition 0
	skewPeriod = 2 * time.Hour
	skewMemory = 300.0 // MiB
)

// One partition has two million records that are up to two hours ahead of
// what another has; a third one goes silent after some records and one that is
// stamped two hours in the future, a fourth is empty. While the second is
// waited for, the first is paused, memory stays bounded, and the idle and the
// empty one hold nothing up. Then every window comes out, with all records.
//
// The second partition is held back by a transaction: what it has written is
// in the log, so that the partition is not idle, and cannot be read yet.
func TestSkewedBacklog(t *testing.T) {
	t.Run("whole", func(t *testing.T) { skewed(t, 1) })
	t.Run("split", func(t *testing.T) { skewed(t, 2) })
}

// skewed is the test with a number of workers, who share the topic out.
func skewed(t *testing.T, members int) {
	s := stack.New(t)
	tolerant := map[string]*string{"message.timestamp.after.max.ms": new("9223372036854775807")} // brokers refuse by default what is an hour ahead
	made, err := kadm.NewClient(s.Client).CreateTopic(t.Context(), 4, 1, tolerant, "skew")
	must(t, err)
	must(t, made.Err)
	var fields []string
	for i := range 10 {
		fields = append(fields, fmt.Sprintf(`{"name":"x%d","type":"double"}`, i))
	}
	from := s.Source("skew", record("r", fields))
	zero := map[string]any{}
	for i := range 10 {
		zero[fmt.Sprint("x", i)] = 0.0
	}
	head := from.Encode(zero)[:5]
	start := time.Now().Add(-skewPeriod - time.Hour).Truncate(time.Second)
	random := rand.New(rand.NewPCG(1, 2))
	want := map[int64]*skewWindow{}
	produce := func(cl *kgo.Client, partition int32, n int, at func(k int) time.Time) {
		first := kgo.AbortingFirstErrPromise(cl)
		for k := range n {
			value := append(make([]byte, 0, 85), head...)
			var x float64
			for range 10 {
				x = random.Float64()
				value = binary.LittleEndian.AppendUint64(value, math.Float64bits(x))
			}
			if start := at(k).Truncate(time.Second); start.Before(time.Now()) {
				if want[start.UnixMilli()] == nil {
					want[start.UnixMilli()] = &skewWindow{min: x, max: x}
				}
				want[start.UnixMilli()].add(x)
			}
			cl.Produce(t.Context(), &kgo.Record{Topic: "skew", Partition: partition, Timestamp: at(k), Value: value}, first.Promise())
		}
		must(t, cl.Flush(t.Context()))
		must(t, first.Err())
	}
	every := func(d time.Duration) func(int) time.Time {
		return func(k int) time.Time { return start.Add(time.Duration(k) * d) }
	}
	const before = 60 // seconds of partition 1 that can be read at once
	seconds := int(skewPeriod / time.Second)
	produce(s.Client, 0, skewAhead, every(skewPeriod/skewAhead))
	produce(s.Client, 1, before, every(time.Second))
	produce(s.Client, 2, 20, every(time.Second/2))
	produce(s.Client, 2, 1, func(int) time.Time { return time.Now().Add(2 * time.Hour) })
	holder, err := kgo.NewClient(s.Opts(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionalID("holder"), kgo.TransactionTimeout(15*time.Minute))...)
	must(t, err)
	defer holder.Close()
	must(t, holder.BeginTransaction())
	produce(holder, 1, seconds-before, func(k int) time.Time { return start.Add(time.Duration(before+k) * time.Second) })

	var ps []*stack.Process
	var urls []string
	for i := range members {
		addr := freeAddr(t)
		file := s.WriteConfig(fmt.Sprintf("w%d.yaml", i), fmt.Sprintf(`worker: {group: skew, id: w%d, topic_refresh: 1s, session_timeout: 6s}
http: {listen: '%s'}
log: {level: info, format: text}
dead_letter_topic: dead-letter
aggregations:
  - name: skew
    topics: {include: ['^skew$']}
    window: {size: 1s, grace: 1s, idle_after: 3s, max_future_skew: 10m}
    max_workers_per_topic: %d
`, i, addr, members))
		ps, urls = append(ps, s.Start(fmt.Sprintf("w%d", i), "worker", "-c", file)), append(urls, "http://"+addr+"/api/status")
	}
	// What partition 1 has up to the transaction closes windows, whatever the
	// idle one, the empty one and the record from the future say.
	for begin := time.Now(); len(aggregated(s)) < before-2; time.Sleep(200 * time.Millisecond) {
		if time.Since(begin) > 3*time.Minute {
			t.Fatalf("%d windows, want %d: something holds the topic up", len(aggregated(s)), before-2)
		}
	}
	position := paused(t, urls)
	if position >= skewAhead {
		t.Errorf("the partition ahead is read to its end, %d", position)
	}
	time.Sleep(3 * time.Second) // nothing is to happen: what was fetched may come, and no more
	if now := paused(t, urls); now-position > skewAhead/4 {
		t.Errorf("the partition ahead is paused, and read on from %d to %d", position, now)
	}
	if n := len(aggregated(s)); n >= before {
		t.Errorf("%d windows are out, though partition 1 is not past %d s", n, before)
	}
	held := make([]float64, members)
	for i, p := range ps {
		held[i] = p.Peak
	}
	t.Logf("held back at offset %d; peaks so far %.0f MiB", position, held)

	must(t, holder.EndTransaction(t.Context(), kgo.TryCommit))
	began := time.Now()
	future := func(r *kgo.Record) bool { return r.Timestamp.After(time.Now()) }
	s.WaitWindows(time.Second, 5*time.Minute, future, "skew")
	t.Logf("all windows %.1f s after the end of the transaction", time.Since(began).Seconds())
	for i, p := range ps {
		p.Terminate(15 * time.Second)
		t.Logf("%s: peak %.0f MiB, CPU %.1f s", p.Name, p.Peak, p.CPU().Seconds())
		if p.Peak > skewMemory {
			t.Errorf("%s: peak %.0f MiB, at most %.0f (%.0f while the partition was held back)", p.Name, p.Peak, skewMemory, held[i])
		}
	}
	if n := len(s.ReadAll("dead-letter")); n != 1 {
		t.Errorf("%d dead letters, want 1, the record from the future", n)
	}
	records := aggregated(s)
	if len(records) != seconds || len(want) != seconds {
		t.Errorf("%d windows came out of %d, want %d", len(records), len(want), seconds)
	}
	for _, r := range records {
		id, body, err := registry.ParseHeader(r.Value)
		must(t, err)
		schema, err := s.Schemas.Schema(t.Context(), id)
		must(t, err)
		v := map[string]any{}
		_, err = schema.Decode(body, &v)
		must(t, err)
		start := r.Timestamp.Truncate(time.Second).UnixMilli()
		w := want[start]
		if w == nil {
			t.Fatalf("window %d came out twice, or has no records", start)
		}
		delete(want, start)
		if got := (skewWindow{v["count"].(int64), v["min_x9"].(float64), v["max_x9"].(float64)}); got != *w {
			t.Errorf("window %d has %+v, want %+v", start, got, *w)
		}
	}
}

// skewWindow is what is to be in a window, of the last field.
type skewWindow struct {
	count    int64
	min, max float64
}

func (w *skewWindow) add(x float64) { w.count, w.min, w.max = w.count+1, min(w.min, x), max(w.max, x) }

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

// aggregated are the windows that are out.
func aggregated(s *stack.Stack) []*kgo.Record {
	if ends, err := s.Ends("skew-aggregated"); err != nil || len(ends) == 0 {
		return nil
	}
	return s.ReadAll("skew-aggregated")
}

// paused waits until some worker has paused partition 0, and returns its
// position.
func paused(t *testing.T, urls []string) int64 {
	t.Helper()
	var last []string
	for begin := time.Now(); time.Since(begin) < 2*time.Minute; time.Sleep(50 * time.Millisecond) {
		last = last[:0]
		for _, url := range urls {
			var of status.Status
			resp, err := http.Get(url)
			must(t, err)
			err = json.NewDecoder(resp.Body).Decode(&of)
			resp.Body.Close()
			must(t, err)
			for _, topic := range of.Topics {
				for _, p := range topic.Partitions {
					last = append(last, fmt.Sprintf("%s/%d %+v", topic.Topic, p.Partition, p))
					if topic.Topic == "skew" && p.Partition == 0 && p.Paused {
						return p.Position
					}
				}
			}
		}
	}
	t.Fatalf("partition 0 is not paused:\n%s", strings.Join(last, "\n"))
	return 0
}
