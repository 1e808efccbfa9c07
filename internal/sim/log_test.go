//go:build synctests

package sim

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// log holds the event log, the workers' debug log, and violations found while
// the simulation runs. Times are virtual seconds.
type log struct {
	begin time.Time
	all   bool // with all that the Kafka clients have to say

	mu         sync.Mutex
	events     bytes.Buffer
	debug      bytes.Buffer
	violations []string
}

func (l *log) event(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	line := fmt.Sprintf("%9.3f ", time.Since(l.begin).Seconds()) + fmt.Sprintf(format, args...) + "\n"
	l.events.WriteString(line)
	l.debug.WriteString(line)
}

func (l *log) violation(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.violations = append(l.violations, fmt.Sprintf(format, args...))
}

// Write is for the loggers.
func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.debug.Write(b)
}

func (l *log) logger(name string) *slog.Logger {
	h := slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.String("at", fmt.Sprintf("%.3f", a.Value.Time().Sub(l.begin).Seconds()))
		}
		return a
	}})
	return slog.New(h).With("worker", name)
}

// client is a logger for a Kafka client, nil if the worker's own will do.
func (l *log) client(name string) kgo.Logger {
	if !l.all {
		return nil
	}
	return kgo.BasicLogger(l, kgo.LogLevelDebug, func() string { return fmt.Sprintf("%9.3f %s ", time.Since(l.begin).Seconds(), name) })
}

// write puts the logs of a test into files and returns their names.
func (l *log) write(test string) (events, debug string, err error) {
	test = strings.NewReplacer("/", "-", "=", "-").Replace(test)
	dir := filepath.Join(os.TempDir(), "kafka-aggregator-sim")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", "", err
	}
	events = filepath.Join(dir, test+"-events.log")
	debug = filepath.Join(dir, test+"-debug.log")
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := os.WriteFile(events, l.events.Bytes(), 0o644); err != nil {
		return "", "", err
	}
	return events, debug, os.WriteFile(debug, l.debug.Bytes(), 0o644)
}
