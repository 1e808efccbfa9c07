package brokers

import (
	"context"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// AdminTimeout bounds a request about topics or offsets.
const AdminTimeout = 15 * time.Second

// Options of Brokers.
type Options struct {
	Client       []kgo.Opt // of all clients
	Group        string
	CreateTopics bool // topics that are missing are made
	ExactlyOnce  bool // windows that are out are out for good: a partition without an offset has to know of them
}

// Brokers are asked by a client for administration, which is in no group.
type Brokers struct {
	Client *kgo.Client
	Admin  *kadm.Client

	options Options
}

// New makes the client. Nothing is sent yet.
func New(o Options) (*Brokers, error) {
	cl, err := kgo.NewClient(o.Client...)
	if err != nil {
		return nil, fmt.Errorf("kafka client: %w", err)
	}
	return &Brokers{cl, kadm.NewClient(cl), o}, nil
}

// Close ends the client.
func (b *Brokers) Close() { b.Client.Close() }

// Cluster asks for the cluster's id and the level of its transactions.
func (b *Brokers) Cluster(ctx context.Context) (id uint64, txnVersion int16, err error) {
	ctx, cancel := context.WithTimeout(ctx, AdminTimeout)
	defer cancel()
	meta, err := b.Admin.BrokerMetadata(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("get the cluster's metadata: %w", err)
	}
	h := fnv.New64a()
	h.Write([]byte(meta.Cluster))
	resp, err := kmsg.NewPtrApiVersionsRequest().RequestWith(ctx, b.Client)
	if err != nil {
		return 0, 0, fmt.Errorf("get the brokers' features: %w", err)
	}
	for _, f := range resp.FinalizedFeatures {
		if f.Name == "transaction.version" {
			txnVersion = f.MaxVersionLevel
		}
	}
	return h.Sum64(), txnVersion, nil
}
