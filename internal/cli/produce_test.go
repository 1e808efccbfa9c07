package cli

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"testing"
)

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
