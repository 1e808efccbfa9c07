package worker

import (
	"context"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

const (
	// longSpan of records is a lot to read again.
	longSpan = time.Hour
	// leastSpan is shorter than topics keep records.
	leastSpan = 5 * time.Minute
)

// warnOfRestart says of a source topic, once, if a restart would read much of it
// again, or could not: it begins with the oldest record of an open window.
func (w *Worker) warnOfRestart(ctx context.Context, src *source) {
	span := src.job.Window.Grace
	for _, o := range src.outputs {
		span = max(span, o.Size+src.job.Window.Grace)
	}
	if span < leastSpan || src.merges != "" || w.said.restarts.has(src.topic) {
		return
	}
	of := []any{"longest_window_and_grace", config.FormatDuration(span)}
	l, ok := limitsOf(ctx, w.brokers.Admin, src.topic)
	if ctx.Err() != nil || !w.said.restarts.first(src.topic) {
		return
	}
	switch {
	case ok && l.Retention >= 0 && span > l.Retention:
		src.log.Warn("the topic does not keep records for as long as windows are open: after a restart windows are partial; raise its retention.ms, or use shorter windows",
			append(of, "retention", config.FormatDuration(l.Retention))...)
	case span > longSpan:
		src.log.Warn("after a restart, and when the topic goes to another worker, all records of open windows are read again", of...)
	}
}
