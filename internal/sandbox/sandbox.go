package sandbox

import (
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/sr/srfake"
)

// Options of a sandbox. The zero value is one broker and a registry, both on
// free ports.
type Options struct {
	Brokers        int           // number of brokers; 0: 1
	KafkaPort      int           // port of the first broker, the others follow; 0: free ports
	RegistryPort   int           // 0: a free port
	RetentionCheck time.Duration // how often topics with retention are trimmed; 0: once a minute
	KafkaOpts      []kfake.Opt   // further options of the broker, for tests
}

// Sandbox is a running broker and registry. Faults can be put into Cluster
// (kfake's Fault and ControlKey) and Schemas (srfake's Intercept).
type Sandbox struct {
	Brokers     []string // host:port
	RegistryURL string   // http://host:port
	Cluster     *kfake.Cluster
	Schemas     *srfake.Registry

	registry *Registry
}

// Start starts both. Topics are created only on request, never by being
// mentioned.
func Start(o Options) (*Sandbox, error) {
	cluster, err := startCluster(o)
	if err != nil {
		return nil, fmt.Errorf("start the embedded broker: %w", err)
	}
	registry, err := StartRegistry("127.0.0.1:" + strconv.Itoa(o.RegistryPort))
	if err != nil {
		cluster.Close()
		return nil, fmt.Errorf("start the embedded registry: %w", err)
	}
	return &Sandbox{
		Brokers:     cluster.ListenAddrs(),
		RegistryURL: registry.URL,
		Cluster:     cluster,
		Schemas:     registry.Schemas,
		registry:    registry,
	}, nil
}

// Close stops both and frees their memory.
func (s *Sandbox) Close() {
	s.registry.Close()
	s.Cluster.Close()
}

func startCluster(o Options) (*kfake.Cluster, error) {
	brokers := max(o.Brokers, 1)
	check := o.RetentionCheck
	if check <= 0 {
		check = time.Minute
	}
	opts := []kfake.Opt{
		kfake.NumBrokers(brokers),
		kfake.DefaultNumPartitions(1),
		kfake.BrokerConfigs(map[string]string{
			// Everybody who joins is in this process, so nobody need be waited for.
			"group.initial.rebalance.delay.ms": "0",
			"log.cleaner.backoff.ms":           strconv.FormatInt(check.Milliseconds(), 10),
		}),
	}
	if o.KafkaPort > 0 {
		ports := make([]int, brokers)
		for i := range ports {
			ports[i] = o.KafkaPort + i
		}
		opts = append(opts, kfake.Ports(ports...))
	}
	return kfake.NewCluster(append(opts, o.KafkaOpts...)...)
}
