package estimate

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
)

// process is a worker whose usage is measured.
type process struct {
	cmd   *exec.Cmd
	addr  string
	out   ending
	ended chan struct{}
	err   error
}

// start starts a worker for the topics of a trial.
func start(ctx context.Context, s *sandbox.Sandbox, a *config.Aggregation, command func(context.Context, Worker) (*exec.Cmd, error)) (*process, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &process{addr: l.Addr().String(), ended: make(chan struct{})}
	if err := l.Close(); err != nil {
		return nil, err
	}
	w.cmd, err = command(ctx, Worker{
		Broker: s.Brokers[0], Registry: s.RegistryURL, Group: "bench", Include: "^bench[0-9]+-[0-9]+$", HTTP: w.addr, Aggregation: a,
	})
	if err != nil {
		return nil, err
	}
	w.cmd.Stdout, w.cmd.Stderr = &w.out, &w.out
	return w, w.cmd.Start()
}

var errEnded = errors.New("it ended before its time")

func (w *process) failure() error {
	return fmt.Errorf("it ended: %w\n%s", errors.Join(w.err, errEnded), w.out.String())
}

// ending keeps the last of what a process says.
type ending struct {
	mu   sync.Mutex
	text []byte
}

// Write is io.Writer.
func (e *ending) Write(b []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.text = append(e.text, b...)
	if over := len(e.text) - 16<<10; over > 0 {
		e.text = append(e.text[:0], e.text[over:]...)
	}
	return len(b), nil
}

// String is the text.
func (e *ending) String() string { e.mu.Lock(); defer e.mu.Unlock(); return string(e.text) }

// settled waits until all aggregated topics have records, and returns how many
// have when the limit has come. None at all is an error.
func (w *process) settled(ctx context.Context, admin *kadm.Client, aggregated []string, o Options) (with int, err error) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	began, told := time.Now(), time.Now()
	for {
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-w.ended:
			return 0, w.failure()
		case <-tick.C:
		}
		ends, err := admin.ListEndOffsets(ctx, aggregated...)
		if err != nil {
			return 0, err
		}
		with = 0
		ends.Each(func(o kadm.ListedOffset) {
			if o.Err == nil && o.Offset > 0 {
				with++
			}
		})
		switch now := time.Now(); {
		case with >= len(aggregated):
			return with, nil
		case now.Sub(began) >= o.Limit && with == 0:
			return 0, fmt.Errorf("the worker had no results within %v; its log:\n%s", o.Limit, w.out.String())
		case now.Sub(began) >= o.Limit:
			return with, nil
		case now.Sub(told) >= 5*time.Second:
			told = now
			o.Progress(Progress{Stage: Waiting, Again: true, Done: with, Of: len(aggregated), For: o.Limit})
		}
	}
}

// usage asks the worker for the CPU time it has used, in s, and its memory in bytes.
func (w *process) usage(ctx context.Context) (cpu, memory float64, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.addr+"/metrics", nil)
	if err != nil {
		return 0, 0, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, 0, err
	}
	defer answer.Body.Close()
	figures := map[string]float64{}
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		name, text, _ := strings.Cut(lines.Text(), " ")
		if f, err := strconv.ParseFloat(text, 64); err == nil {
			figures[name] = f
		}
	}
	cpu, known := figures["process_cpu_seconds_total"]
	if !known {
		return 0, 0, errors.New("this system does not tell what a process uses; try --duration 0s")
	}
	return cpu, figures["process_resident_memory_bytes"], nil
}
