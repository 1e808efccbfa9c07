package cli

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the test binary the command itself when a script asks for it.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"kafka-aggregator": func() { os.Exit(Main()) }})
}

// TestScripts runs testdata/script/*.txtar by testscript, whose commands are these
// and, beside its own (exec, cmp, stdout …):
//
//	sandbox FILE …         starts a broker and a registry, to which kafka-aggregator
//	                       connects from then on; their addresses are $BROKER and
//	                       $REGISTRY, and take the place of BROKER and REGISTRY in the files
//	topic NAME N [SCHEMA] [setting=value …]
//	                       makes a topic with N partitions; its schema is in a file
//	wide NAME N            makes a topic of one partition with N fields of type double
//	records TOPIC FILE     writes records, one a line: milliseconds, then JSON
//	bytes TOPIC TEXT       writes a record, with escapes of Go
//	ends TOPIC P OFFSET    partition P ends there
//	exits CODE COMMAND …   a command that ends with this code
//	blank                  in the output, puts words in place of what differs with each
//	                       run: BROKER, REGISTRY, TOPIC-ID
//
// After each command come checks of its whole standard output and error. UPDATE=1
// writes the files that these are compared with anew.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		UpdateScripts:      os.Getenv("UPDATE") != "",
		RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			e.Values[boxKey{}] = &box{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"sandbox": boxed(cmdSandbox),
			"topic":   boxed(cmdTopic),
			"wide":    boxed(cmdWide),
			"records": boxed(cmdRecords),
			"bytes":   boxed(cmdBytes),
			"ends":    boxed(cmdEnds),
			"exits":   cmdExits,
			"blank":   boxed(cmdBlank),
		},
	})
}

type boxKey struct{}

// boxed is a command that works on the script's broker and registry.
func boxed(do func(*testscript.TestScript, *box, []string) error) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg {
			ts.Fatalf("it cannot be negated")
		}
		ts.Check(do(ts, ts.Value(boxKey{}).(*box), args))
	}
}

func cmdSandbox(ts *testscript.TestScript, b *box, files []string) error {
	if err := b.start(ts.Defer); err != nil {
		return err
	}
	broker, url := b.sandbox.Brokers[0], b.sandbox.RegistryURL
	for name, value := range map[string]string{
		"BROKER": broker, "KAFKA_AGGREGATOR_KAFKA_BROKERS": broker,
		"REGISTRY": url, "KAFKA_AGGREGATOR_SCHEMA_REGISTRY_URL": url,
	} {
		ts.Setenv(name, value)
	}
	for _, name := range files {
		text := strings.NewReplacer("BROKER", broker, "REGISTRY", url).Replace(ts.ReadFile(name))
		if err := os.WriteFile(ts.MkAbs(name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func cmdTopic(ts *testscript.TestScript, b *box, args []string) error {
	if len(args) < 2 {
		return errors.New("usage: topic NAME PARTITIONS [SCHEMA] [setting=value …]")
	}
	partitions, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	schema, settings := "", args[2:]
	if len(settings) > 0 && !strings.Contains(settings[0], "=") {
		schema, settings = ts.ReadFile(settings[0]), settings[1:]
	}
	return b.topic(args[0], partitions, schema, settings...)
}

func cmdWide(_ *testscript.TestScript, b *box, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: wide NAME FIELDS")
	}
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	fields := make([]string, n)
	for i := range fields {
		fields[i] = fmt.Sprintf(`{"name":"forceActuatorMeasurement%04d","type":"double"}`, i)
	}
	return b.topic(args[0], 1, `{"type":"record","name":"w","fields":[`+strings.Join(fields, ",")+`]}`)
}

func cmdRecords(ts *testscript.TestScript, b *box, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: records TOPIC FILE")
	}
	for line := range strings.Lines(ts.ReadFile(args[1])) {
		if err := b.record(args[0], strings.TrimSpace(line)); err != nil {
			return err
		}
	}
	return nil
}

func cmdBytes(_ *testscript.TestScript, b *box, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: bytes TOPIC TEXT")
	}
	value, err := strconv.Unquote(`"` + args[1] + `"`)
	if err != nil {
		return err
	}
	return b.bytes(args[0], []byte(value))
}

func cmdEnds(_ *testscript.TestScript, b *box, args []string) error {
	if len(args) != 3 {
		return errors.New("usage: ends TOPIC PARTITION OFFSET")
	}
	partition, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	if end := b.sandbox.Cluster.PartitionInfo(args[0], int32(partition)).HighWatermark; strconv.FormatInt(end, 10) != args[2] {
		return fmt.Errorf("partition %d of %s ends at %d, want %s", partition, args[0], end, args[2])
	}
	return nil
}

func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND …")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// topicIDs are those in headers, which differ with each run.
var topicIDs = regexp.MustCompile(`(source_topic_id(?:=|[",:a-z]+))[A-Za-z0-9_-]{22}`)

func cmdBlank(ts *testscript.TestScript, b *box, _ []string) error {
	blank := func(text string) string {
		text = strings.NewReplacer(b.sandbox.Brokers[0], "BROKER", b.sandbox.RegistryURL, "REGISTRY").Replace(text)
		return topicIDs.ReplaceAllString(text, "${1}TOPIC-ID")
	}
	stdout, stderr := blank(ts.ReadFile("stdout")), blank(ts.ReadFile("stderr"))
	fmt.Fprint(ts.Stdout(), stdout)
	fmt.Fprint(ts.Stderr(), stderr)
	return nil
}

// TestScriptsCheckAll: after each run of the program a script looks at both outputs
// before the next one comes; the exit code is looked at anyway.
func TestScriptsCheckAll(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	run := regexp.MustCompile(`^(exits \d+ )?kafka-aggregator\b`)
	check := regexp.MustCompile(`^(?:cmp|!)? ?(stdout|stderr) `)
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		script, _, _ := strings.Cut(string(text), "\n-- ")
		missing, last := map[string]bool{}, ""
		done := func() {
			for output := range missing {
				t.Errorf("%s: %s of %q is not looked at", name, output, last)
			}
		}
		for line := range strings.Lines(script) {
			if run.MatchString(line) {
				done()
				missing, last = map[string]bool{"stdout": true, "stderr": true}, strings.TrimSpace(line)
			} else if m := check.FindStringSubmatch(line); m != nil {
				delete(missing, m[1])
			}
		}
		done()
		if last == "" {
			t.Errorf("%s: runs nothing", name)
		}
	}
}
