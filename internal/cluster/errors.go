package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
)

// SettingsError is a setting that no client can be made with.
type SettingsError struct {
	Of  string // "aggregated" for the registry of aggregated schemas, else empty
	Err error
}

func (e *SettingsError) Error() string {
	if e.Of != "" {
		return e.Of + ": " + e.Err.Error()
	}
	return e.Err.Error()
}

func (e *SettingsError) Unwrap() error { return e.Err }

// keyBrokers is the setting that has the addresses of the brokers.
const keyBrokers = "kafka.brokers"

// Unreachable is a service that does not do its work now: waiting may help, and so
// may another address. It says nothing about the topic that was asked for.
type Unreachable struct {
	Key      string        // the setting that has the address: kafka.brokers, schema_registry.url or aggregated_schema_registry.url
	Address  string        // its value
	Origin   config.Origin // where that comes from
	Answered bool          // something has answered: it refuses access, has failed, or is no registry
	Err      error
}

func (e *Unreachable) Error() string {
	switch {
	case e.Answered:
		return e.Err.Error()
	case e.Key == keyBrokers:
		return fmt.Sprintf("no answer from Kafka at %s: %s", e.Address, e.Err)
	}
	return fmt.Sprintf("no answer from the schema registry at %s: %s", e.Address, e.Err)
}

func (e *Unreachable) Unwrap() error { return e.Err }

// BrokerError says which brokers did not answer, unless ctx has ended. err is not nil.
func (c *Cluster) BrokerError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &Unreachable{Key: keyBrokers, Address: strings.Join(c.Config.Kafka.Brokers, ", "), Origin: c.Config.Origin(keyBrokers), Err: err}
}

// RegistryError tells a registry that is not there, *Unreachable, from one that has
// answered: then it is the error as it was, or nil.
func (c *Cluster) RegistryError(ctx context.Context, client *registry.Client, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !registry.Retriable(err) {
		return err
	}
	key, url := "schema_registry.url", c.Config.SchemaRegistry.URL
	if client != c.Source {
		key, url = "aggregated_schema_registry.url", c.Config.AggregatedSchemaRegistry.URL
	}
	_, answered := errors.AsType[*registry.Error](err)
	return &Unreachable{Key: key, Address: url, Origin: c.Config.Origin(key), Answered: answered, Err: err}
}
