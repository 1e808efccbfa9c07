//go:build e2e

// Package e2e tests the program as it is delivered: the binary, a real Kafka,
// a registry that the test holds, and an oracle in another language. Run
// with "make e2e", or one test with "make e2e RUN=TestBacklog". A test fails if
// Kafka or Python cannot be started; none is skipped.
package e2e

import (
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	if os.Getenv(fetchEnv) != "" { // this process is a helper of TestBacklog
		os.Exit(fetchMain())
	}
	os.Exit(m.Run())
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
