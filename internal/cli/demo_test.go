package cli

import (
	"bytes"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
)

// A demo is interrupted as soon as it has shown a result; its last windows
// still come out, and the summary is right.
func TestDemo(t *testing.T) {
	t.Parallel()
	signals := make(chan os.Signal, 2)
	out := &interrupter{signals: signals}
	var messages bytes.Buffer
	code := Run(Process{
		Args:   []string{"demo", "--topics", "2", "--fields", "3", "--partitions", "2", "--frequency", "50", "--window", "500ms"},
		Stdin:  strings.NewReader(""),
		Stdout: out, Stderr: &messages, Signals: signals, Exit: func(int) { t.Error("ended at once") },
	})
	if code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, out.text.String(), messages.String())
	}
	if !regexp.MustCompile(`broker +127\.0\.0\.1:\d+\nregistry +http://127\.0\.0\.1:\d+\nstatus page +http://127\.0\.0\.1:\d+/\n`).Match(messages.Bytes()) {
		t.Errorf("messages:\n%s", messages.String())
	}
	counts := regexp.MustCompile(`(?s)windows expected +(\d+)\nwindows produced +(\d+)\n.*every window of every topic has exactly one record`).FindStringSubmatch(out.text.String())
	if counts == nil || counts[1] != counts[2] || counts[1] == "0" {
		t.Errorf("summary: %v in\n%s", counts, out.text.String())
	}
}

// interrupter sends a signal at the first result it is given.
type interrupter struct {
	signals chan<- os.Signal
	text    bytes.Buffer
	sent    bool
}

func (w *interrupter) Write(p []byte) (int, error) {
	if !w.sent && strings.HasPrefix(string(p), "example-") {
		w.sent = true
		w.signals <- os.Interrupt
	}
	return w.text.Write(p)
}

func TestProduce(t *testing.T) {
	t.Parallel()
	s := &script{t: t, dir: t.TempDir()}
	s.topic("unrelated", "1", `{"type":"record","name":"r","fields":[]}`)
	environ := []string{"KAFKA_BROKER_URL=kafka://" + s.sandbox.Brokers[0], "SCHEMA_REGISTRY_URL=" + s.sandbox.RegistryURL}
	run := func(args ...string) (string, int) {
		var messages bytes.Buffer
		code := Run(Process{Args: args, Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: &messages, Environ: environ})
		return messages.String(), code
	}
	if text, code := run("produce"); code != exitFailed || !strings.Contains(text, "hint: make them with") {
		t.Errorf("without topics: %d, %s", code, text)
	}
	if text, code := run("init-example", "--topics", "3", "--fields", "2", "--partitions", "2"); code != 0 {
		t.Fatalf("init-example: %d, %s", code, text)
	}
	text, code := run("produce", "--frequency", "1000", "--max-messages", "20")
	if code != 0 || !regexp.MustCompile(`(?m)^60 records in .* asked for\) to 3 topics$`).MatchString(text) {
		t.Errorf("produce: %d, %s", code, text)
	}
	if end := s.sandbox.Cluster.PartitionInfo("example-002", 1).HighWatermark; end != 10 {
		t.Errorf("partition 1 of example-002 ends at %d, want 10", end)
	}
}
