package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
	"github.com/lsst-sqre/kafka-aggregator/internal/worker"
)

// patience is how long a command waits for a broker to answer at all.
const patience = 10 * time.Second

// connection is what commands that look at a cluster work with.
type connection struct {
	config     *config.Loaded
	kafka      *kgo.Client
	admin      *kadm.Client
	source     *registry.Client // schemas of the source topics
	aggregated *registry.Client // of the aggregated topics; the same client if there is one registry
}

// connect makes the clients and waits until a broker has answered.
func connect(ctx context.Context, l *config.Loaded, more ...kgo.Opt) (*connection, error) {
	opts, err := l.Kafka.Opts()
	if err != nil {
		return nil, &failure{err: err, code: exitConfig}
	}
	client, err := kgo.NewClient(append(opts, more...)...)
	if err != nil {
		return nil, &failure{err: err, code: exitConfig}
	}
	c := &connection{config: l, kafka: client, admin: kadm.NewClient(client)}
	if c.source, err = worker.NewRegistry(l.SchemaRegistry, nil); err != nil {
		client.Close()
		return nil, &failure{err: err, code: exitConfig}
	}
	c.aggregated = c.source
	if l.AggregatedSchemaRegistry.URL != "" {
		if c.aggregated, err = worker.NewRegistry(l.AggregatedSchemaRegistry, nil); err != nil {
			client.Close()
			return nil, &failure{err: fmt.Errorf("aggregated: %w", err), code: exitConfig}
		}
	}
	wait, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := client.Ping(wait); err != nil {
		client.Close()
		return nil, c.brokerError(ctx, err)
	}
	return c, nil
}

func (c *connection) close() { c.kafka.Close() }

// brokerError says which brokers did not answer, unless the user has stopped the command.
func (c *connection) brokerError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return unreachable(
		fmt.Errorf("no answer from Kafka at %s: %w", strings.Join(c.config.Kafka.Brokers, ", "), err),
		fmt.Sprintf("is it running? kafka.brokers comes from: %s", c.config.Origin("kafka.brokers")))
}

// registryError tells a registry that is not there from one that has answered.
func (c *connection) registryError(ctx context.Context, client *registry.Client, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !registry.Retriable(err) {
		return err
	}
	key, url := "schema_registry.url", c.config.SchemaRegistry.URL
	if client != c.source {
		key, url = "aggregated_schema_registry.url", c.config.AggregatedSchemaRegistry.URL
	}
	if _, answered := errors.AsType[*registry.Error](err); answered {
		return unreachable(err, fmt.Sprintf("is %s right? %s comes from: %s", url, key, c.config.Origin(key)))
	}
	return unreachable(fmt.Errorf("no answer from the schema registry at %s: %w", url, err),
		fmt.Sprintf("is it running? %s comes from: %s", key, c.config.Origin(key)))
}
