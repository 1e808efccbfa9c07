// Package cluster has the clients of a Kafka cluster and its schema registries,
// and asks of topics what can be seen from outside: where they begin and end, how
// fast they grow, what is in their last records. It knows nothing of aggregations.
// Its errors say who did not answer, and where that address comes from.
package cluster

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
)

// patience is how long Connect waits for a broker to answer at all.
const patience = 10 * time.Second

// Cluster is a Kafka cluster with the registries of its schemas.
type Cluster struct {
	Config     *config.Loaded
	Kafka      *kgo.Client
	Admin      *kadm.Client
	Source     *registry.Client // schemas of the source topics
	Aggregated *registry.Client // of the aggregated topics; the same client if there is one registry
}

// Connect makes the clients and waits until a broker has answered. What they cannot be
// made with is a *SettingsError, brokers that do not answer within 10 s are an *Unreachable.
func Connect(ctx context.Context, l *config.Loaded, more ...kgo.Opt) (*Cluster, error) {
	opts, err := l.Kafka.Opts()
	if err != nil {
		return nil, &SettingsError{Err: err}
	}
	client, err := kgo.NewClient(append(opts, more...)...)
	if err != nil {
		return nil, &SettingsError{Err: err}
	}
	c := &Cluster{Config: l, Kafka: client, Admin: kadm.NewClient(client)}
	if c.Source, err = NewRegistry(l.SchemaRegistry, nil); err != nil {
		client.Close()
		return nil, &SettingsError{Err: err}
	}
	c.Aggregated = c.Source
	if l.AggregatedSchemaRegistry.URL != "" {
		if c.Aggregated, err = NewRegistry(l.AggregatedSchemaRegistry, nil); err != nil {
			client.Close()
			return nil, &SettingsError{Of: "aggregated", Err: err}
		}
	}
	wait, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := client.Ping(wait); err != nil {
		client.Close()
		return nil, c.BrokerError(ctx, err)
	}
	return c, nil
}

// Close ends the connections.
func (c *Cluster) Close() { c.Kafka.Close() }
