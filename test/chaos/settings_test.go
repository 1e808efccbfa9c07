//go:build chaos

package chaos

import (
	"os"
	"strconv"
	"testing"
	"time"
)

// settings come from environment variables; "make chaos" passes its own on.
type settings struct {
	kills    int           // KILLS: SIGKILLs of workers to go through; 0: as many as fall into the duration
	duration time.Duration // DURATION of traffic and trouble, without KILLS
	seed     uint64        // SEED of all that is random
	delivery string        // DELIVERY
	workers  int           // WORKERS
	split    int           // SPLIT: workers that share the wide topic; 1: it is not split
	rate     float64       // RATE: records per second for each partition
	log      string        // LOG: the workers' log level
	bad      bool          // BAD: topics among the others without a leader, poisoned, refused
}

func read(t *testing.T) settings {
	t.Helper()
	text := func(name, otherwise string) string {
		if v := os.Getenv(name); v != "" {
			return v
		}
		return otherwise
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	number := func(name string, otherwise int) int {
		n, err := strconv.Atoi(text(name, strconv.Itoa(otherwise)))
		must(err)
		return n
	}
	s := settings{kills: number("KILLS", 0), seed: uint64(number("SEED", 1)), workers: number("WORKERS", 4), split: number("SPLIT", 4), delivery: text("DELIVERY", "exactly_once"), log: text("LOG", "info"), bad: text("BAD", "1") != "0"}
	var err error
	s.duration, err = time.ParseDuration(text("DURATION", "3m"))
	must(err)
	rate := "10"
	if s.kills > 0 {
		rate = "5" // the oracle recomputes every window in Python
	}
	s.rate, err = strconv.ParseFloat(text("RATE", rate), 64)
	must(err)
	return s
}

// length is about how long the trouble takes.
func (s settings) length() time.Duration {
	if s.kills > 0 {
		return time.Duration(s.kills) * killEvery
	}
	return s.duration
}
