package kafka

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// clusterHeap is the heap of each of several brokers.
const clusterHeap = "384m"

// Cluster is several brokers, which have numbers from 1 on. Number 1 is the
// controller too, and all internal topics are on it: while it is there, groups
// and transactions work, whatever becomes of the others.
type Cluster struct {
	brokers []*Broker
}

// StartCluster launches n brokers for a test and ends them when it ends; without
// a folder their data are in one of the test. A Kafka that cannot start fails
// the test.
func StartCluster(t testing.TB, n int, o Options) *Cluster {
	t.Helper()
	began := time.Now()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	c, err := LaunchCluster(t.Context(), n, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d brokers were there after %.1f s", n, time.Since(began).Seconds())
	t.Cleanup(func() {
		if t.Failed() {
			for _, b := range c.brokers {
				t.Logf("last lines of the log of broker %d:\n%s", b.Node, b.LogTail(10))
			}
		}
		if err := c.Kill(); err != nil { // their data are of no use any more
			t.Error(err)
		}
	})
	return c
}

// LaunchCluster starts n brokers, each in a folder of its own inside of the
// options' and with the options' settings; it returns when all answer. With a
// port, the others have those that follow.
func LaunchCluster(ctx context.Context, n int, o Options) (*Cluster, error) {
	if o.Heap == "" {
		o.Heap = clusterHeap
	}
	if o.Dir == "" {
		var err error
		if o.Dir, err = os.MkdirTemp("", "kafka-"); err != nil {
			return nil, err
		}
	}
	ports, err := freePorts(n + 1)
	if err != nil {
		return nil, err
	}
	c := &Cluster{}
	for i := range n {
		own := o
		own.Dir = filepath.Join(o.Dir, fmt.Sprint("broker-", i+1))
		if err := os.MkdirAll(own.Dir, 0o755); err != nil {
			return nil, err
		}
		if o.Port > 0 {
			ports[i] = o.Port + i
		}
		b, err := prepare(ctx, own, place{node: i + 1, port: ports[i], controller: ports[n]})
		if err != nil {
			return nil, err
		}
		c.brokers = append(c.brokers, b)
	}
	if err := c.start(ctx); err != nil {
		return nil, errors.Join(err, c.Kill())
	}
	return c, nil
}

// start starts the first broker, has the internal topics made while there is
// no other place for them, and then the rest.
func (c *Cluster) start(ctx context.Context) error {
	first := c.brokers[0]
	if err := first.Restart(ctx); err != nil {
		return err
	}
	if err := first.makeInternalTopics(ctx); err != nil {
		return fmt.Errorf("make Kafka's internal topics: %w", err)
	}
	return c.each(c.brokers[1:], func(b *Broker) error { return b.Restart(ctx) })
}

// each does something to brokers at the same time.
func (c *Cluster) each(brokers []*Broker, do func(*Broker) error) error {
	errs := make([]error, len(brokers))
	var all sync.WaitGroup
	for i, b := range brokers {
		all.Go(func() {
			if err := do(b); err != nil {
				errs[i] = fmt.Errorf("broker %d: %w", b.Node, err)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// Broker is the one with a number.
func (c *Cluster) Broker(number int) *Broker { return c.brokers[number-1] }

// Brokers are all, the first one first.
func (c *Cluster) Brokers() []*Broker { return c.brokers }

// Addrs are the addresses of all.
func (c *Cluster) Addrs() (addrs []string) {
	for _, b := range c.brokers {
		addrs = append(addrs, b.Addr)
	}
	return addrs
}

// Kill ends all that run.
func (c *Cluster) Kill() error { return c.each(c.brokers, (*Broker).Kill) }

// Stop ends all in good order, the controller last.
func (c *Cluster) Stop() error {
	return errors.Join(c.each(c.brokers[1:], (*Broker).Stop), c.brokers[0].Stop())
}

// makeInternalTopics asks for coordinators until there are some.
func (b *Broker) makeInternalTopics(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addr))
	if err != nil {
		return err
	}
	defer client.Close()
	for kind := range int8(2) { // of groups, of transactions
		for {
			request := kmsg.NewPtrFindCoordinatorRequest()
			request.CoordinatorType, request.CoordinatorKeys = kind, []string{"any"}
			answer, err := request.RequestWith(ctx, client)
			if err == nil && len(answer.Coordinators) == 1 {
				err = kerr.ErrorForCode(answer.Coordinators[0].ErrorCode)
			}
			if err == nil {
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("no coordinator within %v: %w", startWithin, err)
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
	return nil
}
