package cli

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/demo"
	"github.com/lsst-sqre/kafka-aggregator/internal/example"
)

// A demo is interrupted as soon as it has shown a result; its last windows
// still come out, and the summary is right.
func TestDemo(t *testing.T) {
	t.Parallel()
	demonstrate(t)
}

// Where a clock is wrong, no window lacks a record either: those of the clock that is
// ahead are waited for.
func TestDemoOfAWrongClock(t *testing.T) {
	t.Parallel()
	demonstrate(t, "--clock-share", "0.2", "--clock-error", "3s")
}

func demonstrate(t *testing.T, flags ...string) {
	t.Helper()
	signals := make(chan os.Signal, 2)
	out := &interrupter{signals: signals}
	var messages bytes.Buffer
	code := Run(Process{
		Args:   append([]string{"demo", "--topics", "2", "--fields", "3", "--partitions", "2", "--frequency", "50", "--window", "500ms"}, flags...),
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

func TestSummaryText(t *testing.T) {
	var out bytes.Buffer
	printSummary(&out, &demo.Summary{
		Records: 6, Expected: 3, Produced: 3, Live: []time.Duration{0, 10 * time.Millisecond, 20 * time.Millisecond},
		Rate: example.Rate{Acked: 6, Elapsed: 3 * time.Second, Asked: 2, Reached: 2},
	}, 10, 7)
	for _, want := range []string{"windows expected    3\n", "windows produced    3\n", "reduction factor    0.29 (60 values in, 210 out)", "p50 10 ms, p99 20 ms"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
