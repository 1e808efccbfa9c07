package cli

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/lsst-sqre/kafka-aggregator/internal/web"
	"github.com/lsst-sqre/kafka-aggregator/internal/worker"
)

// workerSettings are the settings that a worker has flags for.
func workerSettings() []setting {
	return append(aggregationSettings(),
		setting{"id", "worker.id"},
		setting{"delivery", "worker.delivery"},
		setting{"http", "http.listen"},
	)
}

func newWorker(p *Process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "worker",
		Short: "Aggregate the source topics, until stopped",
		Long: `Worker is the service. It joins the group, reads the source topics that fall to
it, and writes one record for each of their windows. New topics are found while
it runs. Start as many workers with the same group as you like; they share the
topics.

A first SIGINT or SIGTERM makes it finish its transaction, leave the group and
exit with code 0; no window is cut short, and the next worker goes on where it
stopped. A second signal ends it at once, with code 130; nothing is lost or
doubled by that either.

With --stop-at-end it reads up to the end offsets found at the start, writes
every window including the last, commits and exits. What other workers have of
it, it waits for.

If a broker or a registry is not there, it waits and tries again, and /readyz
says so. http.listen serves a status page, /metrics, /healthz, /readyz and
/api/status.`,
		Example: `  kafka-aggregator worker
  kafka-aggregator worker -c config.yaml
  kafka-aggregator worker --brokers kafka:9092 --include '^sensor-' --window 10s --operations mean,max
  kafka-aggregator worker --stop-at-end --http off`,
	}
	s := addSettings(p, cmd, workerSettings()...)
	stopAtEnd := cmd.Flags().Bool("stop-at-end", false, "stop when everything that is there now has been aggregated")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		l, err := s.read()
		if err != nil {
			return err
		}
		logger := p.logger(l.Log)
		_, live := terminal(p.Stderr)
		bar := live && *stopAtEnd
		if bar {
			logger = newLogger(l.Log, overBar{p.Stderr}, true)
		}
		for _, warning := range l.Warnings { // in the log, which may be JSON
			logger.Warn(warning)
		}
		metrics := web.NewClientMetrics()
		w, err := worker.New(worker.Options{
			Config: l.Config, Version: version(), Logger: logger, StopAtEnd: *stopAtEnd,
			KafkaOpts: []kgo.Opt{kgo.WithHooks(metrics)},
		})
		if err != nil {
			return err
		}
		var site *web.Server
		if l.HTTP.Listen != "off" {
			site = web.New(web.Options{
				Listen: l.HTTP.Listen, Hosts: l.HTTP.Hosts, Status: w.Status, Logger: logger,
				Collectors: []prometheus.Collector{metrics},
			})
		}
		ctx := cmd.Context()
		err = p.runWorker(ctx, w, site, bar)
		switch {
		case *stopAtEnd && err == nil && ctx.Err() != nil:
			return fmt.Errorf("stopped before the end: %w", ctx.Err())
		case !*stopAtEnd && errors.Is(err, context.Canceled) && ctx.Err() != nil:
			return nil
		}
		return err
	}
	return cmd
}

// runWorker runs a worker and what looks at it: the status page, which may be
// nil, and the progress bar. They end after the worker has.
func (p *Process) runWorker(ctx context.Context, w *worker.Worker, site *web.Server, bar bool) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	lookers, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	group, lookers := errgroup.WithContext(lookers)
	if site != nil {
		group.Go(func() error {
			err := site.Run(lookers)
			if err == nil || lookers.Err() != nil {
				return nil
			}
			stop() // a worker that nobody can look at is not what was asked for
			return &failure{err: err, hint: "choose another address with --http, or --http off", code: exitFailed}
		})
	}
	if bar {
		group.Go(func() error { p.showProgress(lookers, w.Status); return nil })
	}
	// A worker has few live objects and much garbage, fetched bytes most of
	// all, so the collector would run all the time. The ballast counts as
	// live and lets it wait longer; nobody writes to it, so it takes no memory.
	ballast := make([]byte, 32<<20)
	err := w.Run(ctx)
	runtime.KeepAlive(ballast)
	end()
	if problem := group.Wait(); problem != nil {
		return problem
	}
	return err
}
