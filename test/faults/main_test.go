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

// sharedKafka is the broker that most tests share, nil if none has asked for it.
var sharedKafka *kafka.Broker

// realKafka starts the shared broker the first time it is asked for.
var realKafka = sync.OnceValues(func() (*kafka.Broker, error) {
	dir, err := os.MkdirTemp("", "faults-")
	if err != nil {
		return nil, err
	}
	sharedKafka, err = kafka.Launch(context.Background(), kafka.Options{Dir: dir, Settings: map[string]string{
		"offsets.retention.minutes":           "1",
		"offsets.retention.check.interval.ms": "2000",
		"group.min.session.timeout.ms":        "1000",
		"log.cleaner.backoff.ms":              "300",
		"log.retention.check.interval.ms":     "1000",
		"authorizer.class.name":               "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		"allow.everyone.if.no.acl.found":      "true",
	}})
	return sharedKafka, err
})

func TestMain(m *testing.M) {
	flag.Parse()
	// The tests mostly wait for brokers and clocks. Those that are parallel run
	// when the others are through, some of which kill the broker.
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	code := m.Run()
	if sharedKafka != nil {
		if err := sharedKafka.Kill(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.RemoveAll(sharedKafka.Dir)
	}
	os.Exit(code)
}
