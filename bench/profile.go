package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"

	"github.com/lsst-sqre/kafka-aggregator/internal/cli"
)

// profileMain is the program itself with a CPU profile of its run: the first
// argument is the profile's file, the rest are the program's arguments. So
// the program needs no flag for it.
func profileMain(args []string) error {
	f, err := os.Create(args[0])
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	code := cli.Run(cli.Process{
		Args: args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Environ: os.Environ(), Signals: signals, Exit: os.Exit,
	})
	pprof.StopCPUProfile()
	if err := f.Close(); err != nil {
		return err
	}
	if code != 0 {
		return fmt.Errorf("exit code %d", code)
	}
	return nil
}

// worker is the command line of the worker, in a process that writes a CPU
// profile if one was asked for.
func (o *options) worker(run, config string, more ...string) []string {
	args := append([]string{"worker", "-c", config}, more...)
	if o.profile == "" {
		return append([]string{o.binary()}, args...)
	}
	return append([]string{self(), "profile", o.profile + "/" + run + ".prof"}, args...)
}
