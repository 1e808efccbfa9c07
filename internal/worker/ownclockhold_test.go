package worker_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
	"github.com/lsst-sqre/kafka-aggregator/internal/worker"
)

// shiftedDates has the registry's clock ahead.
type shiftedDates struct{ by atomic.Int64 }

func (d *shiftedDates) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err == nil {
		resp.Header.Set("Date", time.Now().Add(time.Duration(d.by.Load())).UTC().Format(http.TimeFormat))
	}
	return resp, err
}

// While this machine's clock is wrong, by the registry and the records, no record is
// set aside as ahead of time: topics wait, and go on when it is right.
func TestWrongOwnClockHolds(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.topic("t0", 1)
	b.topic("t1", 1)
	b.cfg.Aggregations[0].Window.MaxFutureSkew = 5 * time.Minute
	const by = 10 * time.Minute
	id := b.schema("t0", xField)
	b.schema("t1", xField)
	produce := func(at time.Time) {
		for _, topic := range []string{"t0", "t1"} {
			must(t, b.cl.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Timestamp: at, Value: b.record(id, map[string]any{"x": 1.0})}).FirstErr())
		}
	}
	dates := &shiftedDates{}
	dates.by.Store(int64(by))
	w := b.start(func(o *worker.Options) { o.HTTPClient = &http.Client{Transport: dates} })
	w.status("a word of the registry", func(s status.Status) bool { return len(s.Clocks) > 0 && s.Clocks[0].Ahead > 590 })
	if s := w.status("a notice", func(s status.Status) bool { return len(s.Notices) > 0 }); s.Notices[0].Cause != "clock" || !strings.Contains(s.Notices[0].Text, "slow") {
		t.Errorf("%+v", s.Notices)
	}
	produce(time.Now().Add(by))
	held := func(s status.Status) bool {
		n := 0
		for _, t := range s.Topics {
			if t.Phase == "clock" {
				n++
			}
		}
		return n == 2 && !s.Ready && strings.Contains(s.Reason, "clock")
	}
	w.status("topics that wait for the clock", held)
	if s := w.Status(); s.Topics[0].Future+s.Topics[1].Future > 0 || b.count("dead") > 0 {
		t.Errorf("records were set aside: %+v", s.Topics)
	}
	// The registry's clock was the wrong one: then records are judged by ours again.
	dates.by.Store(0)
	w.status("records set aside", func(s status.Status) bool {
		return s.Ready && len(s.Topics) == 2 && s.Topics[0].Future == 1 && s.Topics[1].Future == 1 && s.Topics[0].Phase == "running"
	})
	w.end()
}
