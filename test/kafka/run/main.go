// Command run starts and stops a Kafka broker and a Schema Registry that live
// on after it: "make kafka" and "make kafka-stop".
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/lsst-sqre/kafka-aggregator/test/kafka"
)

func main() {
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: run [-port N] [-registry-port N] start | stop")
		flag.PrintDefaults()
	}
	port := flag.Int("port", 0, "port of the broker; 0: a free one")
	registryPort := flag.Int("registry-port", 0, "port of the registry; 0: a free one")
	flag.Parse()
	root, err := kafka.Root()
	if err != nil {
		fail(err)
	}
	dir := filepath.Join(root, "build", "kafka", "run")
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	switch flag.Arg(0) {
	case "start":
		err = start(ctx, dir, *port, *registryPort)
	case "stop":
		err = end(dir)
	default:
		flag.Usage()
		os.Exit(64)
	}
	if err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "kafka:", err)
	os.Exit(1)
}
