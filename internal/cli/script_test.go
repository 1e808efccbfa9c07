package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
)

// TestMain makes the test binary the command itself when a script asks for it.
func TestMain(m *testing.M) {
	if os.Getenv("BE_KAFKA_AGGREGATOR") != "" {
		os.Exit(Main())
	}
	os.Exit(m.Run())
}

// TestScripts runs testdata/*.txt. A script has blocks, and comments between
// them. A block begins with "> directive" and ends with "<":
//
//	> file NAME          the lines that follow are the file
//	> topic NAME N …     a topic with N partitions, and settings name=value; what
//	                     follows is its schema
//	> records NAME       records, one a line: milliseconds, then JSON
//	> bytes NAME         a record, the line that follows in Go's quoted form
//	> run ARGUMENTS      what follows is the output: standard output as it is,
//	                     standard error after "! ", then "exit N" if not 0
//
// Addresses read BROKER and REGISTRY, in both directions. UPDATE=1 writes the
// outputs anew.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			s := &script{t: t, dir: t.TempDir()}
			got := topicIDs.ReplaceAllString(s.play(string(text)), "${1}TOPIC-ID")
			if got == string(text) {
				return
			}
			if os.Getenv("UPDATE") == "" {
				t.Errorf("%s: got\n%s", name, got)
				return
			}
			if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// topicIDs are those in headers, which differ with each run.
var topicIDs = regexp.MustCompile(`(source_topic_id(?:=|[",:a-z]+))[A-Za-z0-9_-]{22}`)

type script struct {
	t       *testing.T
	dir     string
	sandbox *sandbox.Sandbox
	kafka   *kgo.Client
	schemas map[string]*avro.Schema
	ids     map[string]int
}

// play runs a script and returns it with the outputs that came.
func (s *script) play(text string) string {
	var out strings.Builder
	lines := strings.SplitAfter(text, "\n")
	for i := 0; i < len(lines); i++ {
		out.WriteString(lines[i])
		directive, ok := strings.CutPrefix(lines[i], "> ")
		if !ok {
			continue
		}
		var body strings.Builder
		for i++; i < len(lines) && lines[i] != "<\n"; i++ {
			body.WriteString(lines[i])
		}
		if i == len(lines) {
			s.t.Fatalf("no end of block %q", directive)
		}
		out.WriteString(s.do(words(directive), body.String()))
		out.WriteString("<\n")
	}
	return out.String()
}

// words splits a line at spaces; '…' keeps them.
func words(line string) []string {
	var list []string
	for _, m := range regexp.MustCompile(`'([^']*)'|(\S+)`).FindAllStringSubmatch(line, -1) {
		list = append(list, m[1]+m[2])
	}
	return list
}

func (s *script) do(args []string, body string) string {
	switch args[0] {
	case "file":
		s.must(os.WriteFile(filepath.Join(s.dir, args[1]), []byte(s.resolve(body)), 0o644))
	case "topic":
		s.topic(args[1], args[2], body, args[3:]...)
	case "records":
		for line := range strings.Lines(body) {
			s.record(args[1], strings.TrimSpace(line))
		}
	case "bytes":
		value, err := strconv.Unquote(strings.TrimSpace(body))
		s.must(err)
		s.must(s.kafka.ProduceSync(context.Background(), &kgo.Record{Topic: args[1], Timestamp: time.UnixMilli(1_700_000_000_350), Value: []byte(value)}).FirstErr())
	case "run":
		return s.run(args[1:])
	default:
		s.t.Fatalf("unknown directive %q", args[0])
	}
	return body
}

func (s *script) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *script) start() {
	if s.sandbox != nil {
		return
	}
	var err error
	s.sandbox, err = sandbox.Start(sandbox.Options{})
	s.must(err)
	s.t.Cleanup(s.sandbox.Close)
	s.kafka, err = kgo.NewClient(kgo.SeedBrokers(s.sandbox.Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	s.must(err)
	s.t.Cleanup(s.kafka.Close)
	s.schemas, s.ids = make(map[string]*avro.Schema), make(map[string]int)
}

func (s *script) topic(name, partitions, schema string, settings ...string) {
	s.start()
	n, err := strconv.Atoi(partitions)
	s.must(err)
	configs := make(map[string]*string)
	for _, setting := range settings {
		key, value, _ := strings.Cut(setting, "=")
		configs[key] = &value
	}
	_, err = kadm.NewClient(s.kafka).CreateTopic(context.Background(), int32(n), 1, configs, name)
	s.must(err)
	if strings.TrimSpace(schema) == "" {
		return
	}
	s.schemas[name], err = avro.Parse(schema)
	s.must(err)
	client, err := registry.New(registry.Options{URL: s.sandbox.RegistryURL})
	s.must(err)
	s.ids[name], err = client.Register(context.Background(), name+"-value", schema)
	s.must(err)
}

func (s *script) record(topic, line string) {
	ms, text, ok := strings.Cut(line, " ")
	at, err := strconv.ParseInt(ms, 10, 64)
	if !ok || err != nil {
		s.t.Fatalf("record %q", line)
	}
	r := &kgo.Record{Topic: topic, Key: []byte("k"), Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("v")}}}
	r.Timestamp = time.UnixMilli(at)
	if text != "null" {
		var v any
		s.must(s.schemas[topic].DecodeJSON([]byte(text), &v))
		r.Value, err = s.schemas[topic].AppendEncode(registry.AppendHeader(nil, s.ids[topic]), v)
		s.must(err)
	}
	s.must(s.kafka.ProduceSync(context.Background(), r).FirstErr())
}

// run runs the command in a process of its own.
func (s *script) run(args []string) string {
	for i := range args {
		args[i] = s.resolve(args[i])
	}
	cmd := exec.Command(os.Args[0], args...)
	cmd.Dir = s.dir
	cmd.Env = []string{"BE_KAFKA_AGGREGATOR=1", "HOME=" + s.dir}
	if s.sandbox != nil {
		cmd.Env = append(cmd.Env, "KAFKA_AGGREGATOR_KAFKA_BROKERS="+s.sandbox.Brokers[0], "KAFKA_AGGREGATOR_SCHEMA_REGISTRY_URL="+s.sandbox.RegistryURL)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		s.t.Fatal(err)
	}
	out := stdout.String()
	if out != "" && !strings.HasSuffix(out, "\n") {
		out += "(no newline)\n"
	}
	for line := range strings.Lines(stderr.String()) {
		out += "! " + strings.TrimSuffix(line, "\n") + "\n"
	}
	if code := cmd.ProcessState.ExitCode(); code != 0 {
		out += fmt.Sprintf("exit %d\n", code)
	}
	return s.unresolve(out)
}

func (s *script) resolve(text string) string {
	if s.sandbox != nil {
		text = strings.NewReplacer("BROKER", s.sandbox.Brokers[0], "REGISTRY", s.sandbox.RegistryURL).Replace(text)
	}
	return text
}

func (s *script) unresolve(text string) string {
	if s.sandbox != nil {
		text = strings.NewReplacer(s.sandbox.Brokers[0], "BROKER", s.sandbox.RegistryURL, "REGISTRY").Replace(text)
	}
	return text
}
