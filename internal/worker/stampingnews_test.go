package worker

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/eventtime"
)

// The end of the table of leap seconds is said to those whose times are in TAI, once.
func TestEndOfLeapSeconds(t *testing.T) {
	end := time.Unix(eventtime.LeapSecondsUntil, 0)
	for _, c := range []struct {
		e    config.EventTime
		now  time.Time
		says bool
	}{
		{config.EventTime{Field: "t", Scale: "tai"}, end, true},
		{config.EventTime{Field: "t", Scale: "tai"}, end.Add(-time.Second), false},
		{config.EventTime{Field: "t", Scale: "utc"}, end.Add(time.Hour), false},
		{config.EventTime{}, end.Add(time.Hour), false},
	} {
		var b strings.Builder
		w := &Worker{cfg: config.Default(), log: slog.New(slog.NewTextHandler(&b, nil))}
		w.cfg.Aggregations = append(w.cfg.Aggregations, w.cfg.Aggregations[0])
		for i := range w.cfg.Aggregations {
			w.cfg.Aggregations[i].EventTime = c.e
		}
		w.warnOfLeapSeconds(c.now)
		if n := strings.Count(b.String(), "leap seconds"); n > 1 || (n == 1) != c.says || c.says && !strings.Contains(b.String(), "end=2027-06-28") {
			t.Errorf("%+v at %v: %s", c.e, c.now, b.String())
		}
	}
}
