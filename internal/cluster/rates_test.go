package cluster

import (
	"strings"
	"testing"
	"time"
)

// TestMeasuredRate measures until the topic has grown in the meantime.
func TestMeasuredRate(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.topic("a", 1)
	c := b.connect()
	r, err := c.Rates(t.Context(), []string{"a"}, time.Millisecond)
	if err != nil || len(r) != 0 {
		t.Error("an empty topic has no rate", r, err)
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				b.produce("a", 0, 1_700_000_000_000, "x")
			}
		}
	}()
	for !strings.HasPrefix(r["a"].How, "measured") {
		if r, err = c.Rates(t.Context(), []string{"a"}, 10*time.Millisecond); err != nil {
			t.Error(err)
			break
		}
	}
	close(stop)
	<-stopped
	if r["a"].PerSecond <= 0 {
		t.Error(r)
	}
}

// A topic that does not grow has the rate of its last minute: 3 records in 200 ms
// are two steps of 100 ms.
func TestPastRate(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.topic("a", 1)
	b.topic("one", 1)
	b.produce("one", 0, 1_700_000_000_000, "x")
	b.produce("a", 0, 1_600_000_000_000, "long before")
	for _, at := range []int64{0, 100, 200} {
		b.produce("a", 0, 1_700_000_000_000+at, "x")
	}
	c := b.connect()
	r, err := c.Rates(t.Context(), []string{"a", "one"}, time.Millisecond)
	if err != nil || r["a"] != (Rate{10, "of the last data, until 2023-11-14T22:13:20Z"}) {
		t.Errorf("%+v, %v", r["a"], err)
	}
	if _, known := r["one"]; known {
		t.Errorf("one record has no rate: %+v", r["one"])
	}
	if r, err := c.Rates(t.Context(), []string{"a"}, 0); err != nil || len(r) != 0 {
		t.Errorf("nothing is to be measured: %+v, %v", r, err)
	}
}
