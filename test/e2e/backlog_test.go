//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/example"
	"github.com/lsst-sqre/kafka-aggregator/test/stack"
)

// Two million records that lie in the topic already, a thousand for each
// window: 2,000 right records, and how long it took next to fetching alone.
func TestBacklog(t *testing.T) {
	const records, perWindow = 2_000_000, 1000
	s := stack.New(t)
	topic := s.Example(1, 10, 4)[0]
	b, err := example.WriteBacklog(t.Context(), example.BacklogOptions{Kafka: s.Opts(), Topic: topic, Records: records, PerWindow: perWindow, Seed: 1})
	must(t, err)
	t.Logf("%d records written in %.1f s", b.Records, b.Took.Seconds())
	config := s.Config("^example-000$")

	// Once unmeasured, so that both read from the page cache.
	fetch(t, s, topic.Name, records)
	alone := fetch(t, s, topic.Name, records)
	worker := s.Start("worker", "worker", "-c", config, "--stop-at-end")
	worker.Wait(5 * time.Minute)

	report := func(what string, p *stack.Process) {
		t.Logf("%-13s %6.2f s  %9.0f records/s  CPU %6.2f s (%.2f µs/record)  peak %4.0f MiB", what,
			p.Took.Seconds(), records/p.Took.Seconds(), p.CPU().Seconds(), p.CPU().Seconds()*1e6/records, p.Peak)
	}
	report("fetch alone", alone)
	report("stop-at-end", worker)
	t.Logf("rate: %.2f of fetching alone", alone.Took.Seconds()/worker.Took.Seconds())

	if v := s.Oracle("^example-000$", "--expect-windows", strconv.Itoa(records/perWindow)); v.Aggregated != records/perWindow {
		t.Errorf("%d aggregated records, want %d", v.Aggregated, records/perWindow)
	}
}

const fetchEnv = "E2E_FETCH"

// fetch reads a topic to a number of records in a process of its own, so that
// time and memory are measured as the worker's are: this test binary again.
func fetch(t *testing.T, s *stack.Stack, topic string, records int) *stack.Process {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), fetchEnv+"="+fmt.Sprint(s.Broker.Addr, " ", topic, " ", records))
	p := s.StartCommand("fetch", cmd)
	p.Wait(5 * time.Minute)
	return p
}

// fetchMain is what that process does.
func fetchMain() int {
	var addr, topic string
	var records int
	if _, err := fmt.Sscan(os.Getenv(fetchEnv), &addr, &topic, &records); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	for n := 0; n < records; {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			fmt.Fprintln(os.Stderr, "read only", n)
			return 1
		}
		n += fetches.NumRecords()
	}
	return 0
}
