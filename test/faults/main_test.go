//go:build e2e

// Package faults does to workers, one by one, what can go wrong between them,
// Kafka and the registry. The tests have the numbers of the list in
// docs/operations.md. Some need a broker that can be told what to answer, and
// run on the embedded one; the others run on a real Kafka. "make faults" runs
// all of them.
package faults

import (
	"context"
	"flag"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/test/kafka"
)

// realKafka is the broker that all tests share, started by the first.
var realKafka = sync.OnceValues(func() (*kafka.Broker, error) {
	dir, err := os.MkdirTemp("", "faults-")
	if err != nil {
		return nil, err
	}
	return kafka.Launch(context.Background(), kafka.Options{Dir: dir, Settings: map[string]string{
		"offsets.retention.minutes":           "1",
		"offsets.retention.check.interval.ms": "2000",
		"group.min.session.timeout.ms":        "1000",
		"log.cleaner.backoff.ms":              "300",
		"log.retention.check.interval.ms":     "1000",
	}})
})

func TestMain(m *testing.M) {
	flag.Parse()
	// The tests mostly wait for brokers and clocks. Those that are parallel run
	// when the others are through, some of which kill the broker.
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	code := m.Run()
	if broker, err := realKafka(); err == nil {
		if err := broker.Kill(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.RemoveAll(broker.Dir)
	}
	os.Exit(code)
}
