package worker_test

import (
	"flag"
	"os"
	"testing"
)

// The tests of this package mostly wait for events of brokers and clocks, so
// more of them run side by side than there are processors.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
