// Command run starts and stops Kafka brokers and a Schema Registry that live on
// after it: "make kafka" and "make kafka-stop".
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
		fmt.Fprintln(flag.CommandLine.Output(), "usage: run [-brokers N] [-port N] [-registry-port N] start | stop")
		flag.PrintDefaults()
	}
	brokers := flag.Int("brokers", 1, "how many brokers")
	port := flag.Int("port", 0, "port of the broker, of the first of several; 0: a free one")
	registryPort := flag.Int("registry-port", 0, "port of the registry; 0: a free one")
	flag.Parse()
	root, err := kafka.Root()
	if err != nil {
		fail(err)
	}
	dir := filepath.Join(root, "build", "kafka", "run")
	unlock, err := lock(dir + ".lock")
	if err != nil {
		fail(err)
	}
	defer unlock()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	switch flag.Arg(0) {
	case "start":
		err = start(ctx, dir, *brokers, *port, *registryPort)
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

// lock lets one start or stop at a time touch the folder; another waits.
func lock(file string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", file, err)
	}
	return func() { f.Close() }, nil
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "kafka:", err)
	os.Exit(1)
}
