package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/example"
	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
)

// ran is what a worker has used.
type ran struct {
	took   time.Duration
	cores  float64
	memory float64 // bytes, resident
	topics int     // that it had results of when it was measured
	all    int
}

// trial runs a worker in a process of its own on a broker in this one, and
// measures it for d when it has results of all topics, or after limit of some.
func (p *Process) trial(ctx context.Context, classes []loadClass, d, limit time.Duration) (ran, error) {
	s, err := sandbox.Start(sandbox.Options{})
	if err != nil {
		return ran{}, err
	}
	defer s.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := config.Default()
	c.Kafka.Brokers, c.SchemaRegistry.URL = s.Brokers, s.RegistryURL
	conn, err := connect(ctx, &config.Loaded{Config: c})
	if err != nil {
		return ran{}, err
	}
	defer conn.Close()

	var group errgroup.Group
	defer group.Wait()
	defer cancel()          // ends the producers and the worker, for Wait
	var aggregated []string // of which results are waited for
	var producers []*example.Producer
	fmt.Fprintln(p.Stderr, "starting a broker and a registry in this process, with topics of such a load")
	for i, class := range classes {
		created, err := example.Create(ctx, conn.Kafka, conn.Source, example.Plan{Prefix: fmt.Sprintf("bench%d", i), Topics: int(class.topics), Fields: class.values, Partitions: 1})
		if err != nil {
			return ran{}, err
		}
		var topics []example.Topic
		for _, t := range created {
			topics = append(topics, t.Topic)
			if class.hz >= 0.1 { // what is slower has none before long
				aggregated = append(aggregated, t.Name+"-aggregated")
			}
		}
		producer, err := example.NewProducer(example.ProducerOptions{Kafka: []kgo.Opt{kgo.SeedBrokers(s.Brokers...)}, Topics: topics, Frequency: class.hz, Seed: uint64(i)})
		if err != nil {
			return ran{}, err
		}
		producers = append(producers, producer)
	}
	w, err := p.startBenchWorker(ctx, s, classes[0].aggregation)
	if err != nil {
		return ran{}, err
	}
	group.Go(func() error { defer close(w.ended); w.err = w.cmd.Wait(); return nil })
	for _, producer := range producers {
		group.Go(func() error { return producer.Run(ctx) })
	}
	fmt.Fprintf(p.Stderr, "waiting until a worker has results of %s, for at most %v\n", count(len(aggregated), "topic"), limit)
	settled, err := w.settled(ctx, conn.Admin, aggregated, limit, p.Stderr)
	if err != nil {
		return ran{}, err
	}
	fmt.Fprintf(p.Stderr, "measuring it for %v\n", d)
	before, _, err := w.usage(ctx)
	if err != nil {
		return ran{}, err
	}
	began := time.Now()
	select {
	case <-ctx.Done():
		return ran{}, ctx.Err()
	case <-w.ended:
		return ran{}, w.failure()
	case <-time.After(d):
	}
	after, memory, err := w.usage(ctx)
	took := time.Since(began)
	return ran{took: took, cores: (after - before) / took.Seconds(), memory: memory, topics: settled, all: len(aggregated)}, err
}

// benchWorker is a worker whose usage is measured.
type benchWorker struct {
	cmd   *exec.Cmd
	addr  string
	out   ending
	ended chan struct{}
	err   error
}

func (p *Process) startBenchWorker(ctx context.Context, s *sandbox.Sandbox, a *config.Aggregation) (*benchWorker, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &benchWorker{addr: l.Addr().String(), ended: make(chan struct{})}
	if err := l.Close(); err != nil {
		return nil, err
	}
	w.cmd = exec.CommandContext(ctx, self, "worker",
		"--brokers", s.Brokers[0], "--schema-registry", s.RegistryURL, "--group", "bench", "--http", w.addr,
		"--include", "^bench[0-9]+-[0-9]+$", "--operations", strings.Join(a.Operations, ","),
		"--window", config.FormatDuration(a.Window.Size), "--grace", config.FormatDuration(a.Window.Grace))
	w.cmd.Stdout, w.cmd.Stderr = &w.out, &w.out
	for _, pair := range p.Environ { // settings are those above
		if !strings.HasPrefix(pair, config.EnvPrefix) {
			w.cmd.Env = append(w.cmd.Env, pair)
		}
	}
	return w, w.cmd.Start()
}

func (w *benchWorker) failure() error {
	return fmt.Errorf("it ended: %w\n%s", errors.Join(w.err, errStopped), w.out.String())
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
func (w *benchWorker) settled(ctx context.Context, admin *kadm.Client, aggregated []string, limit time.Duration, report io.Writer) (with int, err error) {
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
		case now.Sub(began) >= limit && with == 0:
			return 0, fmt.Errorf("the worker had no results within %v; its log:\n%s", limit, w.out.String())
		case now.Sub(began) >= limit:
			return with, nil
		case now.Sub(told) >= 5*time.Second:
			told = now
			fmt.Fprintf(report, "  %d of %d\n", with, len(aggregated))
		}
	}
}

// usage asks the worker for the CPU time it has used, in s, and its memory in bytes.
func (w *benchWorker) usage(ctx context.Context) (cpu, memory float64, err error) {
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
