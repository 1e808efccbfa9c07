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
)

// Two million records that lie in the topic already, a thousand for each
// window: 2,000 right records, and how long it took next to fetching alone.
func TestBacklog(t *testing.T) {
	const records, perWindow = 2_000_000, 1000
	s := newStack(t)
	topic := s.example(1, 10, 4)[0]
	b, err := example.WriteBacklog(t.Context(), example.BacklogOptions{Kafka: s.opts(), Topic: topic, Records: records, PerWindow: perWindow, Seed: 1})
	must(t, err)
	t.Logf("%d records written in %.1f s", b.Records, b.Took.Seconds())
	config := s.config("^example-000$")

	// Once unmeasured, so that both read from the page cache.
	s.fetch(topic.Name, records)
	fetch := s.fetch(topic.Name, records)
	worker := s.start("worker", "worker", "-c", config, "--stop-at-end")
	worker.wait(5 * time.Minute)

	report := func(what string, p *process) {
		t.Logf("%-13s %6.2f s  %9.0f records/s  CPU %6.2f s (%.2f µs/record)  peak %4.0f MiB", what,
			p.took.Seconds(), records/p.took.Seconds(), p.cpu().Seconds(), p.cpu().Seconds()*1e6/records, p.peak)
	}
	report("fetch alone", fetch)
	report("stop-at-end", worker)
	t.Logf("rate: %.2f of fetching alone", fetch.took.Seconds()/worker.took.Seconds())

	if v := s.oracle("^example-000$", "--expect-windows", strconv.Itoa(records/perWindow)); v.Aggregated != records/perWindow {
		t.Errorf("%d aggregated records, want %d", v.Aggregated, records/perWindow)
	}
}

const fetchEnv = "E2E_FETCH"

// fetch reads a topic to a number of records in a process of its own, so that
// time and memory are measured as the worker's are: this test binary again.
func (s *stack) fetch(topic string, records int) *process {
	s.t.Helper()
	self, err := os.Executable()
	must(s.t, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), fetchEnv+"="+fmt.Sprint(s.broker.Addr, " ", topic, " ", records))
	p := s.startCommand("fetch", cmd)
	p.wait(5 * time.Minute)
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
