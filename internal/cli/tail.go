package cli

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/cluster"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/framing"
	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
)

func newTail(p *Process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tail TOPIC",
		Short: "Print the records of an Avro topic, decoded, with their headers",
		Long: `Tail prints records as they come, until it is interrupted or has printed --max.
Only committed records are read. With --from start it begins with the oldest
record and, with --max -1, stops at the end found at the start.

In brackets stands how a record names its schema (the framing), and which that is;
the framing of source topics is that of their aggregation. Of a source topic whose
aggregation has event_time it also shows what time each record has, and which field
that is from; a record with a time in none has Kafka's.

A value that cannot be decoded, or names no schema, is printed in hexadecimal with
the error. NaN and infinities are the texts "NaN", "Infinity" and "-Infinity".
Schemas of aggregated topics come from the registry of aggregated schemas, all
others from the other one; --registry overrides that.`,
		Example: `  kafka-aggregator tail example-000-aggregated
  kafka-aggregator tail example-000 --from start --max 10 -o jsonl | jq .value`,
		Args: arguments("TOPIC"),
	}
	s := addSettings(p, cmd, append(connectionSettings(), setting{"aggregated-schema-registry", "aggregated_schema_registry.url"})...)
	from := &choice{value: "end", of: []string{"start", "end"}}
	cmd.Flags().Var(from, "from", "where to begin")
	complete(cmd, "from", from.of)
	most := cmd.Flags().Int64("max", 0, "records to print; 0: until interrupted, -1: to the end found at the start")
	which := &choice{value: "auto", of: []string{"auto", "source", "aggregated"}}
	cmd.Flags().Var(which, "registry", "registry of the topic's schemas")
	complete(cmd, "registry", which.of)
	format := outputFlag(cmd, "table", "json", "jsonl", "csv")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		l, err := s.load()
		if err != nil {
			return err
		}
		ctx := cmd.Context()
		c, err := cluster.Connect(ctx, l, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
		if err != nil {
			return err
		}
		defer c.Close()
		t := &tail{Cluster: c, topic: args[0], most: *most, registry: c.Source, out: newRecordWriter(p.Stdout, format.value)}
		if t.framing, err = t.framingOf(); err != nil {
			return err
		}
		if which.value == "aggregated" || which.value == "auto" && t.isAggregated() {
			t.registry = c.Aggregated
		}
		if t.clocks, err = t.newClocks(); err != nil {
			return err
		}
		err = t.run(ctx, from.value == "start")
		return errors.Join(err, t.out.close())
	}
	return cmd
}

// tail prints the records of one topic.
type tail struct {
	*cluster.Cluster
	topic    string
	most     int64
	registry *registry.Client
	framing  *framing.Reader
	inflater framing.Inflater
	clocks   *tailClocks // nil if the time of the records is Kafka's timestamp
	out      *recordWriter
	printed  int64
}

func (t *tail) isAggregated() bool {
	selector, err := config.NewSelector(t.Config.Config)
	return err == nil && selector.Aggregated(t.topic)
}

// framingOf is that of the aggregation that takes the topic, if there is one.
func (t *tail) framingOf() (*framing.Reader, error) {
	selector, err := config.NewSelector(t.Config.Config)
	if err != nil {
		return nil, err
	}
	of := config.Framing{}
	if choice, ok := selector.Select(t.topic); ok {
		of = choice.Aggregation.Framing
	}
	return of.Reader(t.topic)
}

func (t *tail) run(ctx context.Context, fromStart bool) error {
	start, end, err := t.Bounds(ctx, []string{t.topic})
	if err != nil {
		return err
	}
	offsets, left := make(map[int32]kgo.Offset), make(map[int32]int64)
	var problem error
	end.Each(func(o kadm.ListedOffset) {
		if o.Err != nil {
			problem = o.Err
			return
		}
		at := o.Offset
		if fromStart {
			at = start[o.Topic][o.Partition].Offset
		}
		if offsets[o.Partition] = kgo.NewOffset().At(at); at < o.Offset {
			left[o.Partition] = o.Offset
		}
	})
	switch {
	case errors.Is(problem, kerr.UnknownTopicOrPartition):
		return withHint(fmt.Errorf("no topic %s", t.topic), "see %q for the source topics", "kafka-aggregator agents")
	case problem != nil:
		return fmt.Errorf("topic %s: %w", t.topic, problem)
	case len(offsets) == 0:
		return fmt.Errorf("topic %s has no partitions", t.topic)
	}
	t.Kafka.AddConsumePartitions(map[string]map[int32]kgo.Offset{t.topic: offsets})
	return t.poll(ctx, left)
}

// poll prints until the most is reached or, if the most is negative, until
// the offsets in left are. Marks of transactions take offsets too, so the end
// of a partition shows in the position and not in the records.
func (t *tail) poll(ctx context.Context, left map[int32]int64) error {
	for {
		if t.most < 0 && len(left) == 0 {
			return nil
		}
		wait, cancel := ctx, context.CancelFunc(func() {})
		if t.most < 0 { // marks at the end give no record to wait for
			wait, cancel = context.WithTimeout(ctx, time.Second)
		}
		fetches := t.Kafka.PollFetches(wait)
		idle := wait.Err() != nil
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		for _, e := range fetches.Errors() {
			if !errors.Is(e.Err, context.DeadlineExceeded) {
				return fmt.Errorf("read %s partition %d: %w", e.Topic, e.Partition, e.Err)
			}
		}
		for iter := fetches.RecordIter(); !iter.Done(); {
			r := iter.Next()
			if t.most < 0 && r.Offset >= left[r.Partition] {
				continue
			}
			if err := t.print(ctx, r); err != nil {
				return err
			}
			if t.printed++; t.most > 0 && t.printed >= t.most {
				return nil
			}
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
		}
		if idle && fetches.NumRecords() == 0 && t.most < 0 {
			return nil
		}
	}
}

func (t *tail) print(ctx context.Context, r *kgo.Record) error {
	headers := make([]object, len(r.Headers))
	for i, h := range r.Headers {
		headers[i] = object{{"key", h.Key}, {"value", readable(h.Value)}}
		if h.Key == framing.SchemaHeader && h.Value != nil { // never a text
			headers[i][1].value = "0x" + hex.EncodeToString(h.Value)
		}
	}
	o := record{partition: r.Partition, offset: r.Offset, time: r.Timestamp, key: readable(r.Key), headers: headers}
	if r.Value != nil {
		err := t.read(ctx, r, &o)
		if unreachable(err) || errors.Is(err, context.Canceled) {
			return err
		}
		if err != nil {
			o.problem, o.value = err.Error(), appendText(nil, hex.EncodeToString(r.Value))
		}
	}
	return t.out.write(t.topic, o)
}

// read decodes a value, and notes how it names its schema.
func (t *tail) read(ctx context.Context, r *kgo.Record, o *record) error {
	ctx = registry.WithSubject(ctx, t.topic+"-value")
	now := time.Now() // its schema is registered by now
	const recent = 30 * time.Second
	f, err := t.framing.Read(r.Headers, r.Value)
	if err == nil && f.Doubtful {
		if f, err = t.registry.Settle(ctx, t.framing, f, r.Value, now.Add(-recent)); err != nil {
			return t.RegistryError(ctx, t.registry, err)
		}
	}
	if o.framing = f.Kind.String(); err != nil {
		return err
	}
	o.schema = t.framing.Name(f.Ref)
	o.schemaID, _ = f.Ref.ID()
	since := time.Time{}
	if _, ok := f.Ref.Fingerprint(); ok {
		since = now
	}
	found, err := t.registry.Find(ctx, t.framing, f.Ref, since)
	if err != nil {
		return t.RegistryError(ctx, t.registry, err)
	}
	o.schemaID = found.ID
	body := f.Body
	if f.Compressed {
		if body, err = t.inflater.Inflate(body); err != nil {
			return err
		}
	}
	schema, err := found.Parse()
	if err != nil {
		return err
	}
	o.value, err = decode(schema, body)
	o.event, o.from = t.clocks.time(f.Ref, found, body)
	return err
}

func decode(schema *avro.Schema, body []byte) (json.RawMessage, error) {
	var v any
	rest, err := schema.Decode(body, &v)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("%d bytes are left over", len(rest))
	}
	text, err := schema.EncodeJSON(v)
	if err == nil && !json.Valid(text) {
		err = errors.New("the value has no JSON")
	}
	return text, err
}
