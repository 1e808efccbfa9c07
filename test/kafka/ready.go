package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const startWithin = 90 * time.Second

// waitReady returns when the broker answers and its features are those that
// the tests are about, or with an error when it has ended or takes too long.
func (b *Broker) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addr), kgo.RetryTimeout(time.Second))
	if err != nil {
		return err
	}
	defer client.Close()
	for {
		version, err := b.transactionVersion(ctx, client)
		if err == nil && version >= 2 {
			return nil
		}
		if err == nil {
			// Features come with the metadata, a moment after the port opens.
			err = fmt.Errorf("transaction.version is %d, want at least 2", version)
		}
		select {
		case <-b.exited:
			return errors.New("the process ended")
		case <-ctx.Done():
			return fmt.Errorf("no answer within %v: %w", startWithin, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// transactionVersion asks for the finalized feature; at least 2 means
// transactions with the guards of KIP-890.
func (b *Broker) transactionVersion(ctx context.Context, client *kgo.Client) (int16, error) {
	request := kmsg.NewPtrApiVersionsRequest()
	request.ClientSoftwareName, request.ClientSoftwareVersion = "kgo", "1"
	answer, err := request.RequestWith(ctx, client)
	if err != nil {
		return 0, err
	}
	// The controller must have made the broker part of the cluster, too.
	metadata, err := kmsg.NewPtrMetadataRequest().RequestWith(ctx, client)
	if err != nil {
		return 0, err
	}
	if !slices.ContainsFunc(metadata.Brokers, func(m kmsg.MetadataResponseBroker) bool { return int(m.NodeID) == b.Node }) {
		return 0, errors.New("the broker is not part of the cluster yet")
	}
	for _, f := range answer.FinalizedFeatures {
		if f.Name == "transaction.version" {
			return f.MaxVersionLevel, nil
		}
	}
	return 0, nil
}
