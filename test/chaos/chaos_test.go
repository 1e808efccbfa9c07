//go:build chaos

// Package chaos lets workers, as real processes on a real Kafka, be killed,
// stopped and asked to end at random while records come in, and the broker and
// the registry go away; then an oracle compares every window with what Python
// computes from the source. Run with "make chaos".
package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/lsst-sqre/kafka-aggregator/test/kafka"
	"github.com/lsst-sqre/kafka-aggregator/test/stack"
)

const (
	group          = "chaos"
	plainTopics    = 20
	wideTopic      = "chaos-wide"
	widePartitions = 8
	partialsTopic  = group + "-partials-" + wideTopic
	deadLetters    = "chaos-dead-letters"
	lateTopic      = "chaos-late"
	// idleAfter is longer than any silence during the trouble, so that what is
	// late follows from the order of the records alone.
	idleAfter = 30 * time.Second
)

func TestChaos(t *testing.T) {
	set := read(t)
	t.Logf("SEED=%d KILLS=%d DURATION=%v DELIVERY=%s WORKERS=%d SPLIT=%d RATE=%g BAD=%v", set.seed, set.kills, set.duration, set.delivery, set.workers, set.split, set.rate, set.bad)
	s, cluster := start(t, set)
	topics := []string{wideTopic}
	for i := range plainTopics {
		topics = append(topics, fmt.Sprintf("chaos-%02d", i))
	}
	rng := rand.New(rand.NewPCG(set.seed, 1))
	flow := &traffic{client: s.Client, rate: set.rate, rng: rand.New(rand.NewPCG(set.seed, 2))}
	var wrong *bad // nil without bad topics
	if set.bad {
		createAll(t, s, topics)
		wrong = newBad(t, s, cluster, set)
	}
	for _, topic := range topics {
		if wrong == nil {
			s.Create(partitions(topic), topic)
		}
		flow.from = append(flow.from, s.Source(topic, schema))
	}

	n := &trouble{t: t, set: set, s: s, rng: rng, results: make(chan recovery), broker: make(chan error), killed: map[*slot]int{}, absent: map[*slot]time.Duration{}}
	for _, topic := range topics {
		n.out = append(n.out, topic+"-aggregated")
	}
	for i := range set.workers {
		n.slots = append(n.slots, newSlot(t, s, set, fmt.Sprintf("w%d", i), n.results))
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	written := make(chan error, 1)
	go func() { written <- flow.run(ctx) }()
	seen := &phases{}
	go seen.watch(ctx, kadm.NewClient(s.Client))
	watched, harmed := make(chan error, 1), make(chan error, 1)
	watching, unwatch := context.WithCancel(t.Context())
	defer unwatch()
	go func() { watched <- n.latency.watch(watching, s, n.out) }()
	go func() {
		if wrong != nil {
			harmed <- wrong.run(ctx)
		}
		close(harmed)
	}()
	for _, w := range n.slots {
		w.start()
	}
	n.run(t.Context())
	end := time.Now()
	stop()
	for what, done := range map[string]chan error{"traffic": written, "bad topics": harmed} {
		if err := <-done; err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	t.Logf("%s; %d records written, of these %d stamped late, %d bad, %d without value", n.summary(), flow.sent, flow.late, flow.bad, flow.tombstones)
	report(t, "restarted soon after a kill, to the first result", n.back, seen)
	report(t, "restarted after the session timeout, to the first result", n.backLong, seen)
	t.Logf("%d more were harmed before their first result, or broker or registry were", n.disturbed)

	judged := slices.Clone(topics)
	if wrong != nil {
		judged = append(judged, leaderlessTopic)
	}
	drained(t, s, judged)
	unwatch()
	if err := <-watched; err != nil {
		t.Fatalf("latency: %v", err)
	}
	n.latency.judge(t, end)
	for _, w := range n.slots {
		w.forget()
		w.p.Terminate(endWithin)
	}
	if wrong != nil {
		wrong.report(t, s)
		flow.add(wrong.leaderless)
	}
	judge(t, s, set, flow)
}

// start makes a stack whose brokers' data survive a failed test. With bad topics
// there is a second broker.
func start(t *testing.T, set settings) (*stack.Stack, *kafka.Cluster) {
	t.Helper()
	root, err := kafka.Root()
	must(t, err)
	dir := filepath.Join(root, "build", "chaos", "broker")
	must(t, os.RemoveAll(dir))
	must(t, os.MkdirAll(dir, 0o755))
	// A broker on a machine under load must not lose its leases for lack of a
	// processor: that is another fault than those that are tried here.
	brokers := 1
	if set.bad {
		brokers = 2
	}
	cluster, err := kafka.LaunchCluster(t.Context(), brokers, kafka.Options{Dir: dir, Heap: "640m", Settings: map[string]string{"broker.session.timeout.ms": "9000"}})
	must(t, err)
	t.Cleanup(func() {
		if err := cluster.Kill(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the brokers' logs and data are in %s", dir)
		} else if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return stack.NewOn(t, cluster.Broker(1)), cluster
}

func newSlot(t *testing.T, s *stack.Stack, set settings, name string, results chan<- recovery) *slot {
	t.Helper()
	// An address of its own among those of the loopback: while the worker is
	// away, nobody else is given its port.
	pid := os.Getpid()
	port, err := net.Listen("tcp", fmt.Sprintf("127.%d.%d.%d:0", 1+pid>>8&0x7f, pid&0xff, name[len(name)-1]))
	must(t, err)
	listen := port.Addr().String()
	must(t, port.Close())
	aggregation := `
  - name: %s
    topics: {include: ['%s']}
    window: {grace: %v, idle_after: %v}
    windows: [1s, {size: 6s, advance: 3s, aggregated_topic: '{source_topic}-6s'}]
    late: {policy: topic, topic: ` + lateTopic + `}
`
	text := fmt.Sprintf(`worker: {group: %s, id: %s, delivery: %s, topic_refresh: 2s, session_timeout: %ds, transaction_timeout: 10s}
http: {listen: '%s'}
log: {level: %s, format: text}
dead_letter_topic: %s
aggregations:`, group, name, set.delivery, sessionSec, listen, set.log, deadLetters)
	text += fmt.Sprintf(aggregation, "plain", "^chaos-[0-9]+$", grace, idleAfter) + fmt.Sprintf(aggregation, "wide", "^"+wideTopic+"$", grace, idleAfter)
	text += fmt.Sprintf("    max_workers_per_topic: %d\n", set.split)
	text += fmt.Sprintf(aggregation, "bad", "^"+badTopics+"$", grace, idleAfter)
	return &slot{s: s, name: name, config: s.WriteConfig(name+".yaml", text), listen: listen, results: results}
}

// drained waits until the group has committed the end of every partition, and
// after that the end of the partials: then no window is open any more.
func drained(t *testing.T, s *stack.Stack, topics []string) {
	t.Helper()
	adm := kadm.NewClient(s.Client)
	began := time.Now()
	merged := int64(-1) // end of the partials when all sources were committed
	for {
		var open []string
		ends, err := adm.ListEndOffsets(t.Context(), topics...)
		must(t, err)
		committed, err := adm.FetchOffsets(t.Context(), group)
		if err != nil {
			open = append(open, err.Error())
		}
		ends.Each(func(e kadm.ListedOffset) {
			if c, ok := committed.Lookup(e.Topic, e.Partition); e.Offset > 0 && (!ok || c.At < e.Offset) {
				open = append(open, fmt.Sprintf("%s/%d: %d of %d", e.Topic, e.Partition, c.At, e.Offset))
			}
		})
		if len(open) == 0 {
			partials, err := adm.ListEndOffsets(t.Context(), partialsTopic)
			must(t, err)
			if end, ok := partials.Lookup(partialsTopic, 0); ok && merged < 0 {
				merged = end.Offset
			}
			if c, _ := committed.Lookup(partialsTopic, 0); c.At < merged {
				open = append(open, fmt.Sprintf("%s: %d of %d", partialsTopic, c.At, merged))
			}
		}
		if len(open) == 0 {
			t.Logf("all windows were out %.1f s after the traffic stopped", time.Since(began).Seconds())
			return
		}
		if time.Since(began) > idleAfter+2*time.Minute {
			dump(t, s, topics)
			t.Fatalf("not all is committed %v after the traffic stopped: %s", time.Since(began), strings.Join(open, ", "))
		}
		time.Sleep(250 * time.Millisecond)
	}
}

// judge asks the oracle, and adds up.
func judge(t *testing.T, s *stack.Stack, set settings, flow *traffic) {
	t.Helper()
	args := []string{"--grace-ms", fmt.Sprint(grace.Milliseconds()), "--late", lateTopic, "--dead-letters", deadLetters}
	long := []string{"--grace-ms", fmt.Sprint(grace.Milliseconds()), "--windows", "6s/3s", "--slice-ms", "1000", "--aggregated", "{source_topic}-6s"}
	if set.delivery == "at_least_once" {
		args, long = append(args, "--repeats"), append(long, "--repeats")
	}
	topics := `^chaos-([0-9]+|wide)$`
	if set.bad {
		topics = `^chaos-([0-9]+|wide|leaderless)$`
		args = append(args, "--other-letters", "^("+poisonedTopic+"|"+refusedTopic+")$")
	}
	v := s.Oracle(topics, args...)
	t.Logf("%d source records = %d in windows + %d late + %d dead letters + %d without value; %d windows, %d aggregated records, %d repeated",
		v.Source, v.InWindows, v.Late, v.Bad, v.Tombstones, v.Windows, v.Aggregated, v.Repeated)
	if twice := s.Oracle(topics, long...); twice.InWindows != 2*v.InWindows { // each record is in two that overlap
		t.Errorf("%d records are in windows of 1 s, and those of 6 s have %d", v.InWindows, twice.InWindows)
	}
	if v.Source != v.InWindows+v.Late+v.Bad+v.Tombstones || v.Source != flow.sent {
		t.Errorf("records do not add up: %d were written", flow.sent)
	}
	if least := int(set.length().Seconds()/2) * (plainTopics + 1); v.Windows < least {
		t.Errorf("%d windows, want at least %d", v.Windows, least)
	}
	if t.Failed() {
		topics := []string{wideTopic}
		for _, f := range flow.from[1:] {
			topics = append(topics, f.Topic)
		}
		dump(t, s, topics)
	}
}

func report(t *testing.T, what string, all []recovery, seen *phases) {
	t.Helper()
	if len(all) == 0 {
		t.Logf("%s: none", what)
		return
	}
	slices.SortFunc(all, func(a, b recovery) int { return int(a.took - b.took) })
	at := func(q float64) float64 { return all[int(q*float64(len(all)-1))].took.Seconds() }
	over := 0
	for _, r := range all {
		if r.took > 5*time.Second {
			over++
		}
		if r.took > time.Second {
			t.Logf("%v; the group was rebalancing for %.2f s of that", r, seen.during(r.at.Add(-r.took), r.at).Seconds())
		}
	}
	t.Logf("%s: %d times, min %.2f s, median %.2f s, 90 %% %.2f s, 99 %% %.2f s, max %.2f s, %d over 5 s", what, len(all), at(0), at(0.5), at(0.9), at(0.99), at(1), over)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
