package cli

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// TestMeasuredRate measures until the topic has grown in the meantime.
func TestMeasuredRate(t *testing.T) {
	t.Parallel()
	s := &script{t: t, dir: t.TempDir()}
	s.topic("a", "1", `{"type":"record","name":"r","fields":[{"name":"x","type":"int"}]}`)
	l, err := config.Load(config.Sources{Environ: []string{"KAFKA_BROKER_URL=" + s.sandbox.Brokers[0], "SCHEMA_REGISTRY_URL=" + s.sandbox.RegistryURL}})
	s.must(err)
	ctx := context.Background()
	c, err := connect(ctx, l)
	s.must(err)
	defer c.close()
	r, err := c.rates(ctx, []string{"a"}, time.Millisecond)
	if err != nil || len(r) != 0 {
		t.Error("an empty topic has no rate", r, err)
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				s.record("a", `1700000000000 {"x":1}`)
			}
		}
	}()
	for !strings.HasPrefix(r["a"].how, "measured") {
		if r, err = c.rates(ctx, []string{"a"}, 10*time.Millisecond); err != nil {
			t.Error(err)
			break
		}
	}
	close(stop)
	<-stopped
	if r["a"].perSecond <= 0 {
		t.Error(r)
	}
}
