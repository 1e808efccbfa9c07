//go:build e2e

package e2e

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/example"
	"github.com/lsst-sqre/kafka-aggregator/test/stack"
)

// Two workers share ten topics under live traffic; one is killed and comes
// back, the other is asked to end and comes back; then the traffic stops. Every
// window must have exactly one right record, the last ones included.
func TestWorkersComeAndGo(t *testing.T) {
	duration := 2 * time.Minute
	if text := os.Getenv("E2E_DURATION"); text != "" { // for trying things out
		var err error
		duration, err = time.ParseDuration(text)
		must(t, err)
	}
	s := stack.New(t)
	topics := s.Example(10, 10, 4)
	config := s.Config("^example-[0-9]{3}$")
	a, b := s.Start("worker-a", "worker", "-c", config), s.Start("worker-b", "worker", "-c", config)

	p, err := example.NewProducer(example.ProducerOptions{Kafka: s.Opts(), Topics: topics, Frequency: 10, Seed: 1})
	must(t, err)
	traffic, stop := context.WithTimeout(t.Context(), duration)
	defer stop()
	produced := make(chan error, 1)
	go func() { produced <- p.Run(traffic) }()
	at := func(part float64) { // waits for a part of the duration
		select {
		case <-time.After(time.Until(a.Began.Add(time.Duration(part * float64(duration))))):
		case <-t.Context().Done():
		}
	}
	at(0.25)
	a.Kill()
	t.Log("worker-a was killed")
	at(0.30)
	a2 := s.Start("worker-a", "worker", "-c", config)
	at(0.55)
	b.Terminate(10 * time.Second)
	at(0.65)
	b2 := s.Start("worker-b", "worker", "-c", config)
	must(t, <-produced)
	rate := p.Rate()
	t.Logf("%d records in %.1f s, %.1f/s of %.1f/s", rate.Acked, rate.Elapsed.Seconds(), rate.Reached, rate.Asked)

	s.WaitWindows(time.Second, 90*time.Second, nil, names(topics)...)
	a2.Terminate(10 * time.Second)
	b2.Terminate(10 * time.Second)
	v := s.Oracle("^example-[0-9]{3}$")
	if least := int(duration.Seconds()) * len(topics); v.Windows < least || int64(v.Source) != rate.Acked {
		t.Errorf("the oracle saw %d windows and %d records; %d windows or more and %d records were made", v.Windows, v.Source, least, rate.Acked)
	}
}

func names(topics []example.Topic) []string {
	var list []string
	for _, topic := range topics {
		list = append(list, topic.Name)
	}
	return list
}
