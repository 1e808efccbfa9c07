package worker_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
)

// recording is what an embedded broker and a registry held when workers of an
// earlier commit had been killed, in the midst of their work.
type recording struct {
	Config  string // of these workers, without addresses
	Cluster string // its id
	Schemas []struct {
		Subject string
		ID      int
		Schema  json.RawMessage
	}
	Topics  []recordedTopic
	Offsets []struct {
		Topic     string
		Partition int32
		Offset    int64
		Epoch     int32
		Metadata  string
	}
	Whole   []recorded // what one worker of that commit made of t0 without a break
	Letters int        // dead letters that it wrote
	Future  [][2]int64 // partition and offset of records that were in the future when the workers read them
}

type recordedTopic struct {
	Name, ID   string // ID in hex
	Configs    map[string]string
	Partitions [][]recorded
}

// recorded is a record, or the marker at the end of a transaction.
type recorded struct {
	Offset   int64       `json:"o"`
	Time     int64       `json:"t"` // ms
	Key      string      `json:"k"`
	Value    *string     `json:"v"` // base64; nil: none
	Headers  [][2]string `json:"h"`
	Producer int         `json:"p"` // of a transaction, counted in its topic
	Marker   string      `json:"m"` // commit or abort; "": a record
}

func (r *recorded) record(t *testing.T) *kgo.Record {
	t.Helper()
	out := &kgo.Record{Timestamp: time.UnixMilli(r.Time), Offset: r.Offset}
	if r.Key != "" {
		out.Key = []byte(r.Key)
	}
	if r.Value != nil {
		v, err := base64.RawStdEncoding.DecodeString(*r.Value)
		must(t, err)
		out.Value = append([]byte{}, v...)
	}
	for _, h := range r.Headers {
		out.Headers = append(out.Headers, kgo.RecordHeader{Key: h[0], Value: []byte(h[1])})
	}
	return out
}

func readRecording(t *testing.T, file string) (r recording) {
	t.Helper()
	text, err := os.ReadFile(file)
	must(t, err)
	must(t, json.Unmarshal(text, &r))
	return r
}

// topic is a recorded one.
func (r *recording) topic(t *testing.T, name string) recordedTopic {
	t.Helper()
	i := slices.IndexFunc(r.Topics, func(x recordedTopic) bool { return x.Name == name })
	if i < 0 {
		t.Fatalf("the recording has no topic %s", name)
	}
	return r.Topics[i]
}

// inFuture reports whether a record of t0 was in the future.
func (r *recording) inFuture(partition int, offset int64) bool {
	return slices.Contains(r.Future, [2]int64{int64(partition), offset})
}

// bench is a fresh broker and registry that hold what was recorded: the same
// ids of cluster, topics and schemas, the same records at the same offsets, the
// same committed offsets with their metadata. So nothing of it need be changed. By
// the clock no record is in the future any more, whenever the test runs: only
// what was noted keeps out those that were.
func (r *recording) bench(t *testing.T) *bench {
	t.Helper()
	b := newBench(t, sandbox.Options{RetentionCheck: 24 * time.Hour, KafkaOpts: []kfake.Opt{kfake.DataDir(r.dataDir(t))}})
	loaded, err := config.Load(config.Sources{File: "recorded.yaml", Text: []byte(r.Config)})
	must(t, err)
	b.cfg = loaded.Config
	b.cfg.Kafka.Brokers = b.box.Brokers
	b.cfg.SchemaRegistry.URL = b.box.RegistryURL
	b.cfg.Worker.TopicRefresh = 50 * time.Millisecond
	b.cfg.Aggregations[0].Window.MaxFutureSkew = 100 * 365 * 24 * time.Hour
	for _, s := range r.Schemas {
		id, err := b.registry.Register(t.Context(), s.Subject, string(s.Schema))
		must(t, err)
		if id != s.ID {
			t.Fatalf("the schema of %s has the id %d, want %d", s.Subject, id, s.ID)
		}
		b.schemas[id] = avro.MustParse(string(s.Schema))
	}
	metadata, err := b.adm.Metadata(t.Context())
	must(t, err)
	if metadata.Cluster != r.Cluster {
		t.Fatalf("the cluster has the id %s, want %s", metadata.Cluster, r.Cluster)
	}
	for _, topic := range r.Topics {
		if id := metadata.Topics[topic.Name].ID; hex.EncodeToString(id[:]) != topic.ID {
			t.Fatalf("topic %s has the id %x, want %s", topic.Name, id, topic.ID)
		}
		b.replay(topic)
	}
	offsets := kadm.Offsets{}
	for _, o := range r.Offsets {
		offsets.Add(kadm.Offset{Topic: o.Topic, Partition: o.Partition, At: o.Offset, LeaderEpoch: o.Epoch, Metadata: o.Metadata})
	}
	must(t, b.adm.CommitAllOffsets(t.Context(), b.cfg.Worker.Group, offsets))
	return b
}

// dataDir is a folder from which the embedded broker takes the ids of topics,
// which cannot be chosen by way of a request.
func (r *recording) dataDir(t *testing.T) string {
	t.Helper()
	type topic struct {
		Name       string            `json:"name"`
		ID         []byte            `json:"id"`
		Partitions int               `json:"partitions"`
		Replicas   int               `json:"replicas"`
		Configs    map[string]string `json:"configs,omitempty"`
	}
	var topics []topic
	for _, x := range r.Topics {
		id, err := hex.DecodeString(x.ID)
		must(t, err)
		topics = append(topics, topic{x.Name, id, len(x.Partitions), 1, x.Configs})
	}
	dir := t.TempDir()
	for name, content := range map[string]map[string]any{
		"meta.json":   {"version": 1, "cluster_id": r.Cluster},
		"topics.json": {"version": 1, "topics": topics},
	} {
		text, err := json.Marshal(content)
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, name), text, 0o644))
	}
	return dir
}

// replay writes the records of a topic, in transactions where there were some, so
// that each gets the offset that it had.
func (b *bench) replay(topic recordedTopic) {
	b.t.Helper()
	producers := map[int]*kgo.Client{}
	for id, records := range topic.Partitions {
		open := map[int]bool{}
		for _, r := range records {
			cl := b.cl
			if r.Producer != 0 {
				if cl = producers[r.Producer]; cl == nil {
					var err error
					cl, err = kgo.NewClient(kgo.SeedBrokers(b.box.Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
						kgo.TransactionalID(fmt.Sprintf("replay-%s-%d", topic.Name, r.Producer)))
					must(b.t, err)
					defer cl.Close()
					producers[r.Producer] = cl
				}
			}
			if r.Marker != "" {
				if !open[r.Producer] {
					b.t.Fatalf("%s/%d: a marker at %d ends no transaction", topic.Name, id, r.Offset)
				}
				must(b.t, cl.EndTransaction(b.t.Context(), kgo.TransactionEndTry(r.Marker == "commit")))
				open[r.Producer] = false
				continue
			}
			if r.Producer != 0 && !open[r.Producer] {
				must(b.t, cl.BeginTransaction())
				open[r.Producer] = true
			}
			out := r.record(b.t)
			out.Topic, out.Partition = topic.Name, int32(id)
			must(b.t, cl.ProduceSync(b.t.Context(), out).FirstErr())
			if out.Offset != r.Offset {
				b.t.Fatalf("%s/%d: a record is at %d, want %d", topic.Name, id, out.Offset, r.Offset)
			}
		}
	}
}
