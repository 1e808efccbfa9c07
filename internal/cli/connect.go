package cli

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/cluster"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
	"github.com/lsst-sqre/kafka-aggregator/internal/worker"
)

// connect makes the clients that a worker would have, and waits for a broker.
func connect(ctx context.Context, l *config.Loaded, more ...kgo.Opt) (*cluster.Cluster, error) {
	return cluster.Connect(ctx, l, func(r config.Registry) (*registry.Client, error) { return worker.NewRegistry(r, nil) }, more...)
}
