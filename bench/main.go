// Command bench measures the aggregator on a real Kafka: how fast it works off
// a backlog, beside fetching alone and beside other systems; how it keeps up
// with live topics, and how soon its results can be read. See
// docs/benchmarks.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/test/kafka"
)

// options of a run, from flags.
type options struct {
	run     []string // names of benchmarks
	sizes   []int64  // records of the backlogs, ascending
	rounds  int
	peers   bool
	live    time.Duration // how long live topics are watched
	cores   float64       // that a worker of the scaling benchmark may use
	pulse   bool          // hold them by stopping and continuing
	span    time.Duration // of event time in its backlog
	hot     int64         // records a second of its hot topic
	workers []int         // how many, each measured; the first is what others are compared with
	log     string        // level of the workers' logs
	profile string        // folder for CPU profiles of the worker; "": none
	root    string        // of the repository
	dir     string        // for logs, configurations and results
}

// A benchmark starts nothing that outlives it, and appends what it has found
// to the report.
type benchmark struct {
	name, about string
	run         func(context.Context, *options, *report) error
}

func benchmarks() []benchmark {
	return []benchmark{
		{"backlog", "working off a backlog, beside fetching alone and the peers", runBacklog},
		{"shapes", "a backlog in windows of one size, of three, and in ones that overlap", runShapes},
		{"wide", "a backlog of records with 812 values in 15 fields", runWide},
		{"live", "ten topics at 10 Hz: how soon results can be read", runLive},
		{"many", "1,051 topics, 29,284 records/s: lag, CPU, memory, and how soon results can be read", runMany},
		{"scale", "a backlog of 65 topics, one of them hot, with 1, 2 and 4 workers of a fifth of a core", runScale},
	}
}

func main() {
	// This program is also the processes whose resources it measures.
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "fetch":
			exit(fetchMain(os.Args[2:]))
		case "registry":
			exit(registryMain())
		case "profile":
			exit(profileMain(os.Args[2:]))
		}
	}
	o, err := parse(os.Args[1:])
	if err != nil {
		exit(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	exit(run(ctx, o))
}

func exit(err error) {
	if err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
		os.Exit(1)
	}
	os.Exit(0)
}

func parse(args []string) (*options, error) {
	o := &options{}
	var err error
	if o.root, err = kafka.Root(); err != nil {
		return nil, err
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: bench [flags] [benchmark …]\n\nbenchmarks (all, if none is named):")
		for _, b := range benchmarks() {
			fmt.Fprintf(flags.Output(), "  %-8s %s\n", b.name, b.about)
		}
		fmt.Fprintln(flags.Output(), "\nflags:")
		flags.PrintDefaults()
	}
	sizes := flags.String("records", "2000000,8000000", "sizes of the backlogs")
	flags.IntVar(&o.rounds, "rounds", 3, "how often each is measured; the table has medians")
	flags.BoolVar(&o.peers, "peers", true, "measure Kafka Streams and Flink too")
	flags.DurationVar(&o.live, "live", 3*time.Minute, "how long live topics are watched")
	flags.Float64Var(&o.cores, "cores", 0.2, "scale: what each worker may use")
	flags.BoolVar(&o.pulse, "pulse", false, "scale: hold workers to it by stopping and continuing them, as is done where the kernel's quotas cannot be had")
	flags.DurationVar(&o.span, "span", 210*time.Second, "scale: event time of the backlog")
	flags.Int64Var(&o.hot, "hot", 6800, "scale: records/s of the hot topic")
	workers := flags.String("workers", "1,2,4", "scale: how many; 4 are measured without splitting too")
	flags.StringVar(&o.log, "log", "info", "level of the workers' logs: debug tells where start-up time goes")
	flags.StringVar(&o.profile, "profile", "", "`folder` for CPU profiles of the worker; profiling costs a little speed")
	flags.StringVar(&o.dir, "dir", filepath.Join(o.root, "build", "bench"), "`folder` for logs, configurations and report.md")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	for text := range strings.SplitSeq(*sizes, ",") {
		var n int64
		if _, err := fmt.Sscan(text, &n); err != nil || n < perWindow {
			return nil, fmt.Errorf("-records %s: want numbers of at least %d, separated by commas", *sizes, perWindow)
		}
		o.sizes = append(o.sizes, n)
	}
	slices.Sort(o.sizes)
	for text := range strings.SplitSeq(*workers, ",") {
		var n int
		if _, err := fmt.Sscan(text, &n); err != nil || n < 1 {
			return nil, fmt.Errorf("-workers %s: want numbers of at least 1, separated by commas", *workers)
		}
		o.workers = append(o.workers, n)
	}
	for _, folder := range []*string{&o.dir, &o.profile} {
		if *folder != "" {
			if *folder, err = filepath.Abs(*folder); err != nil {
				return nil, err
			}
		}
	}
	if o.rounds < 1 {
		return nil, fmt.Errorf("-rounds %d: want at least 1", o.rounds)
	}
	for _, name := range flags.Args() {
		if !slices.ContainsFunc(benchmarks(), func(b benchmark) bool { return b.name == name }) {
			return nil, fmt.Errorf("there is no benchmark %q; see -h", name)
		}
		o.run = append(o.run, name)
	}
	return o, nil
}

func run(ctx context.Context, o *options) error {
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return err
	}
	if o.profile != "" {
		if err := os.MkdirAll(o.profile, 0o755); err != nil {
			return err
		}
	}
	if err := o.build(ctx); err != nil {
		return err
	}
	r, err := newReport(filepath.Join(o.dir, "report.md"))
	if err != nil {
		return err
	}
	defer r.file.Close()
	r.machine()
	for _, b := range benchmarks() {
		if len(o.run) > 0 && !slices.Contains(o.run, b.name) {
			continue
		}
		progress("%s: %s", b.name, b.about)
		if err := b.run(ctx, o, r); err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
	}
	return r.err
}

// progress tells the person who waits.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s "+format+"\n", append([]any{time.Now().Format("15:04:05")}, args...)...)
}
