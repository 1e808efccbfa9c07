// Command registry is a Schema Registry in memory with the REST API of
// Confluent's, compatibility checks included, for tests on a real Kafka. The
// first line on standard output is its address.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "host:port; port 0 takes a free one")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	registry, err := sandbox.StartRegistry(*listen)
	if err != nil {
		fmt.Fprintln(os.Stderr, "registry:", err)
		os.Exit(1)
	}
	fmt.Println(registry.URL)
	<-ctx.Done()
	registry.Close()
}
