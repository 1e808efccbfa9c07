package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

func TestSecondSignalEndsAtOnce(t *testing.T) {
	signals := make(chan os.Signal, 2)
	signals <- os.Interrupt
	signals <- os.Interrupt
	code := 0
	p := &Process{Signals: signals, Exit: func(c int) { code = c }}
	ctx, cancel := context.WithCancelCause(context.Background())
	p.watch(cancel, make(chan struct{}))
	if code != exitInterrupted || context.Cause(ctx) != errInterrupted {
		t.Error(code, context.Cause(ctx))
	}
}

// TestInterrupt interrupts a command that waits for records.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	must(t, b.topic("a", 1, `{"type":"record","name":"r","fields":[{"name":"x","type":"int"}]}`))
	must(t, b.record("a", `1700000000000 {"x":1}`))
	cmd := exec.Command("kafka-aggregator", "tail", "a", "--from", "start", "-o", "jsonl")
	cmd.Env = []string{"KAFKA_AGGREGATOR_KAFKA_BROKERS=" + b.sandbox.Brokers[0], "SCHEMA_REGISTRY_URL=" + b.sandbox.RegistryURL}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || !strings.Contains(line, `"value":{"x":1}`) {
		t.Error(line, err)
	}
	must(t, cmd.Process.Signal(os.Interrupt))
	if err := cmd.Wait(); err == nil {
		t.Error("exit code 0")
	}
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted || stderr.String() != "error: interrupted\n" {
		t.Error(code, stderr.String())
	}
}

// TestWorkerStopsInOrder ends a worker that is at work by SIGTERM.
func TestWorkerStopsInOrder(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	must(t, b.topic("example-000", 1, `{"type":"record","name":"r","fields":[{"name":"x","type":"double"}]}`))
	must(t, b.record("example-000", `1700000000000 {"x":1}`))
	cmd := exec.Command("kafka-aggregator", "worker", "--http", "127.0.0.1:0")
	cmd.Env = []string{"KAFKA_BROKER_URL=kafka://" + b.sandbox.Brokers[0], "SCHEMA_REGISTRY_URL=" + b.sandbox.RegistryURL}
	stderr, err := cmd.StderrPipe()
	must(t, err)
	must(t, cmd.Start())
	signalled := false
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		if !json.Valid(lines.Bytes()) {
			t.Errorf("not JSON, as it should be without a terminal: %s", lines.Text())
		}
		if !signalled && strings.Contains(lines.Text(), `"topic":"example-000"`) {
			signalled = true
			must(t, cmd.Process.Signal(syscall.SIGTERM))
		}
	}
	must(t, cmd.Wait())
	if !signalled {
		t.Error("it ended by itself")
	}
}

func TestLogger(t *testing.T) {
	var out bytes.Buffer
	p := &Process{Stderr: &out}
	p.logger(config.Log{Level: "warn", Format: "auto"}).Info("no")
	p.logger(config.Log{Level: "warn", Format: "auto"}).Warn("yes", "topic", "a")
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || line["msg"] != "yes" || line["topic"] != "a" {
		t.Error(err, out.String())
	}
	out.Reset()
	newLogger(config.Log{Level: "info", Format: "auto"}, overBar{&out}, true).Info("yes")
	if got := out.String(); !strings.HasPrefix(got, "\r\x1b[K") || !strings.HasSuffix(got, "level=INFO msg=yes\n") {
		t.Errorf("%q", got)
	}
}
