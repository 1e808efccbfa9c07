package worker_test

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/framing"
	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

const glueVersion = "89791762-2336-4186-9674-299b90a802e2"

// framer writes the data of a record of a topic in some framing.
type framer struct {
	b     *bench
	topic string
	names registry.Names
}

func (b *bench) framer(topic string) *framer {
	b.t.Helper()
	names, err := b.registry.Names(b.t.Context(), topic+"-value")
	must(b.t, err)
	return &framer{b, topic, names}
}

var framings = []string{"prefix", "header", "guid", "glue", "zlib", "single-object", "bare"}

func (f *framer) frame(how string, data []byte) *kgo.Record {
	f.b.t.Helper()
	guid, err := framing.ParseGUID(glueVersion)
	must(f.b.t, err)
	r := &kgo.Record{Topic: f.topic, Headers: []kgo.RecordHeader{{Key: "traceparent", Value: []byte("x")}}}
	header := func(h []byte) { r.Headers = append(r.Headers, kgo.RecordHeader{Key: framing.SchemaHeader, Value: h}) }
	switch how {
	case "prefix":
		r.Value = framing.AppendPrefix(nil, f.names.ID)
	case "header":
		header(framing.AppendIDHeader(nil, f.names.ID))
	case "guid":
		header(framing.AppendGUIDHeader(nil, f.names.GUID))
	case "glue":
		r.Value = framing.AppendGlue(nil, guid)
	case "zlib":
		r.Value = framing.AppendGlue(nil, guid)
		r.Value[1] = 5
		data = deflate(f.b.t, data)
	case "single-object":
		r.Value = framing.AppendSingle(nil, f.names.Fingerprint)
	case "bare":
	default:
		f.b.t.Fatal(how)
	}
	r.Value = append(r.Value, data...)
	if r.Value == nil {
		r.Value = []byte{}
	}
	return r
}

func deflate(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, err := w.Write(data)
	must(t, err)
	must(t, w.Close())
	return b.Bytes()
}

func (b *bench) sendFramed(r *kgo.Record, seconds float64) {
	b.t.Helper()
	r.Timestamp = base.Add(time.Duration(seconds * 1e9))
	must(b.t, b.cl.ProduceSync(b.t.Context(), r).FirstErr())
}

// everyFraming is a configuration that knows all framings.
func everyFraming(topic string) config.Framing {
	return config.Framing{
		SingleObject: true,
		Glue:         config.GlueFraming{Schemas: map[string]string{glueVersion: "{source_topic}-value"}},
		Bare:         config.BareFraming{Subject: "{source_topic}-value"},
	}
}

// All framings mixed in one partition: each record is in its window, with its value,
// none is a dead letter; also if the worker stops in between, with records of all
// kinds to be read again.
func TestFramingsMixed(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.cfg.Aggregations[0].Framing = everyFraming("t0")
	b.cfg.Aggregations[0].Window.IdleAfter = time.Hour
	b.topic("t0", 1)
	// The first fields are zero: bare data begin like a prefix, with an id of chance.
	id := b.schema("t0", `{"name":"n","type":"long"},{"name":"m","type":"long"},`+xField)
	f := b.framer("t0")
	sent := 0
	send := func(seconds float64, how string) {
		sent++
		b.sendFramed(f.frame(how, b.record(id, map[string]any{"n": int64(0), "m": int64(0), "x": float64(sent)})[5:]), seconds)
	}
	sum, count := map[int]float64{}, map[int]int{}
	some := func(from, to int) {
		for second := from; second < to; second++ {
			for i, how := range append(slices.Clone(framings), framings...) {
				send(float64(second)+float64(i)/14, how)
				sum[second] += float64(sent)
				count[second]++
			}
		}
	}
	some(0, 5)
	w := b.start()
	b.read("t0-aggregated", 3) // the last ones are open
	w.end()
	some(5, 10)
	w = b.start()
	b.read("t0-aggregated", 8)
	w.end()
	rows := b.exactly("t0-aggregated")
	if len(rows) != 10 {
		t.Fatalf("%d windows, want 10: %v", len(rows), keys(rows))
	}
	for _, r := range rows {
		second := int(r.start().Sub(base).Seconds())
		n := count[second]
		if r.fields["count"] != int64(n) || r.fields["mean_x"] != sum[second]/float64(n) || r.fields["max_n"] != 0.0 && r.fields["max_n"] != int64(0) {
			t.Errorf("window %d: %v, want %d records with mean %v", second, r.fields, n, sum[second]/float64(n))
		}
	}
	if n := b.letters(); n != 0 {
		t.Errorf("%d dead letters", n)
	}
}

// letters is how many dead letters there are.
func (b *bench) letters() int {
	b.t.Helper()
	topics, err := b.adm.ListTopics(b.t.Context(), b.cfg.DeadLetterTopic)
	must(b.t, err)
	if topics[b.cfg.DeadLetterTopic].Err != nil {
		return 0
	}
	return b.count(b.cfg.DeadLetterTopic)
}

// What is framed badly is a dead letter that says what was tried; its neighbours are
// none. Nothing is guessed: not by the prefix, where there is a header.
func TestBadFramings(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.cfg.Aggregations[0].Framing = everyFraming("t0")
	b.cfg.Aggregations[0].Framing.Bare = config.BareFraming{}
	b.topic("t0", 1)
	id := b.schema("t0", xField)
	data := double(1)
	f := b.framer("t0")
	header := func(h ...byte) *kgo.Record {
		r := f.frame("prefix", data)
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: framing.SchemaHeader, Value: append([]byte{}, h...)})
		return r
	}
	value := func(how string, data []byte, change func([]byte) []byte) *kgo.Record {
		r := f.frame(how, data)
		r.Value = change(r.Value)
		return r
	}
	flip := func(at int) func([]byte) []byte {
		return func(v []byte) []byte { v[at] ^= 0x55; return v }
	}
	same := func(v []byte) []byte { return v }
	cases := []struct {
		name string
		r    *kgo.Record
		err  string
	}{
		{"an empty header", header(), "header __value_schema_id is empty"},
		{"a header that is cut", header(0, 0, 0, 0), "4 bytes, not the 5 of an id"},
		{"a header of another kind", header(7, 0, 0, 0, 1), "first byte is 0x07"},
		{"a header with an unknown id", header(0, 0, 1, 0, 0), "framing header: schema 65536: "},
		{"a header with an unknown GUID", header(append([]byte{1}, make([]byte, 16)...)...), "framing header: schema GUID 00000000-0000-0000-0000-000000000000: "},
		{"a header, and still a prefix", header(framing.AppendIDHeader(nil, id)...), "framing header: schema 1: byte 8: 5 bytes"},
		{"data that are too short", f.frame("guid", data[:7]), "field x"},
		{"glue of an unknown version", value("glue", data, flip(9)), "is not in framing.glue.schemas"},
		{"glue with another compression", value("glue", data, flip(1)), "compression byte is 85"},
		{"glue that is compressed badly", value("zlib", data, flip(20)), "framing glue: decompress: "},
		{"a bomb", value("zlib", make([]byte, framing.MaxInflated+1), same), "become more than 4194304"},
		{"a fingerprint of no version", value("single-object", data, flip(5)), "framing single-object: schema with fingerprint "},
		{"single object that is too long", value("single-object", append(data[:8:8], 0), same), "framing single-object: schema with fingerprint "},
		{"nothing", value("bare", nil, same), "no header __value_schema_id, no prefix (0 bytes, fewer than 5)"},
		{"bare", value("bare", []byte("bare Avro, as it seems"), same), "no header __value_schema_id, no prefix (first byte is 0x62, not 0x00), not of AWS Glue (first byte is 0x62, not 0x03), no single object (first bytes are 6261, not c301)"},
	}
	b.sendFramed(f.frame("prefix", data), 0)
	for _, c := range cases {
		b.sendFramed(c.r, 0.1)
		b.sendFramed(f.frame("guid", data), 0.2)
	}
	w := b.start()
	wantKeys(t, b.read("t0-aggregated", 1), fmt.Sprintf("0:%d", 1+len(cases)))
	letters := b.records(b.cfg.DeadLetterTopic, len(cases))
	for i, c := range cases {
		h := headers(letters[i])
		if h["offset"] != fmt.Sprint(1+2*i) || !strings.Contains(h["error"], c.err) {
			t.Errorf("%s: headers %v, want an error with %q", c.name, h, c.err)
		}
		if !bytes.Equal(letters[i].Value, c.r.Value) || len(letters[i].Headers) != 5+len(c.r.Headers) {
			t.Errorf("%s: the letter has not all of the record", c.name)
		}
	}
	w.end()
	b.sendFramed(f.frame("glue", data), 5)
	wantKeys(t, b.exactly("t0-aggregated"), fmt.Sprintf("0:%d", 1+len(cases)), "5:1")
	if n := b.letters(); n != len(cases) {
		t.Errorf("%d dead letters after a restart, want %d", n, len(cases))
	}
}

// A record that may be bare and is neither that nor what it begins like says both.
func TestBadBare(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.topic("t0", 1)
	id := b.schema("t0", xField)
	b.cfg.Aggregations[0].Framing.Bare.ID = id
	f := b.framer("t0")
	b.sendFramed(f.frame("bare", double(1)), 0)
	cases := []struct {
		value []byte
		err   []string
	}{
		{framing.AppendPrefix(nil, id), []string{"schema 1: field x: byte 0: truncated", "it is not bare either: schema 1: field x: byte 0: truncated: needs 8 bytes, 5 are left"}},
		{append(framing.AppendPrefix(nil, 77), 1, 2, 3, 4), []string{"schema 77: ", "not found", "it is not bare either: schema 1: byte 8: 1 byte"}},
		{[]byte("too long for a double"), []string{"framing bare: schema 1: "}},
	}
	for _, c := range cases {
		b.send("t0", 0, 0.5, c.value)
	}
	b.start()
	wantKeys(t, b.read("t0-aggregated", 1), "0:1")
	letters := b.records(b.cfg.DeadLetterTopic, len(cases))
	for i, c := range cases {
		for _, want := range c.err {
			if got := headers(letters[i])["error"]; !strings.Contains(got, want) {
				t.Errorf("%x: %q has not %q", c.value, got, want)
			}
		}
	}
}

// A GUID that the registry does not know is refused, and is so when the record is read
// again, though by then it is known: the window is as it was.
func TestUnknownGUIDStaysRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.cfg.Aggregations[0].Window.IdleAfter = time.Hour
	b.topic("t0", 1)
	b.schema("t0", xField)
	f := b.framer("t0")
	later := `{"type":"record","name":"r","fields":[` + xField + `,{"name":"y","type":["null","double"],"default":null}]}`
	other := registryOf(t, later) // has the schema already
	strange := &framer{b, "t0", other}
	b.sendFramed(f.frame("guid", double(1)), 0)
	b.sendFramed(strange.frame("guid", append(double(2), 0)), 0.1)
	w := b.start()
	if got := headers(b.records(b.cfg.DeadLetterTopic, 1)[0])["error"]; !strings.Contains(got, "schema GUID "+other.GUID.String()) {
		t.Errorf("error %q", got)
	}
	w.end()
	_, err := b.registry.Register(t.Context(), "t0-value", later)
	must(t, err)
	b.sendFramed(strange.frame("guid", append(double(3), 0)), 0.2)
	rows := b.exactly("t0-aggregated")
	wantKeys(t, rows, "0:2")
	if rows[0].fields["mean_x"] != 2.0 {
		t.Errorf("%v", rows[0].fields)
	}
	if n := b.letters(); n != 1 {
		t.Errorf("%d dead letters, want 1", n)
	}
}

// registryOf gives the names of a schema in a registry of its own.
func registryOf(t *testing.T, text string) registry.Names {
	t.Helper()
	box := srfake.New()
	t.Cleanup(box.Close)
	c, err := registry.New(registry.Options{URL: box.URL()})
	must(t, err)
	_, err = c.Register(t.Context(), "s", text)
	must(t, err)
	names, err := c.Names(t.Context(), "s")
	must(t, err)
	return names
}

// Bare data that begin with zeros pass for prefixes with any number of ids, and data
// that begin so for any number of fingerprints. The registry is not asked for each.
func TestChanceDoesNotAskTheRegistry(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.cfg.Aggregations[0].Framing = everyFraming("t0")
	b.topic("t0", 1)
	b.schema("t0", `{"name":"a","type":"bytes"},`+xField)
	var asked atomic.Int64
	b.box.Schemas.Intercept(func(_ http.ResponseWriter, _ *http.Request) bool { asked.Add(1); return false })
	f := b.framer("t0")
	const n = 2000
	var records []*kgo.Record
	for i := range n {
		data := append([]byte{0}, double(float64(i))...)
		if i%2 == 0 { // the first bytes of x become an id
			data = append([]byte{0, 0, 0, byte(i >> 8), byte(i)}, data[5:]...)
		}
		r := f.frame("bare", data)
		r.Timestamp = base.Add(time.Duration(i) * time.Millisecond / 2)
		records = append(records, r)
	}
	must(t, b.cl.ProduceSync(t.Context(), records...).FirstErr())
	rows := b.exactly("t0-aggregated")
	wantKeys(t, rows, fmt.Sprintf("0:%d", n))
	if got := b.letters(); got != 0 {
		t.Errorf("%d dead letters", got)
	}
	if got := asked.Load(); got > 40 {
		t.Errorf("%d questions", got)
	}
}

// The status says the id of the schema, if it is known, however records name it.
func TestStatusOfFramings(t *testing.T) {
	t.Parallel()
	for _, how := range framings {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, sandbox.Options{})
			b.cfg.Aggregations[0].Framing = everyFraming("t0")
			b.topic("t0", 1)
			id := b.schema("t0", xField)
			b.sendFramed(b.framer("t0").frame(how, double(1.5)), 0)
			w := b.start()
			rows := b.read("t0-aggregated", 1)
			if rows[0].fields["mean_x"] != 1.5 {
				t.Errorf("%s: %v", how, rows[0].fields)
			}
			s := w.status("a window", func(s status.Status) bool { return len(s.Topics) == 1 && s.Topics[0].Windows == 1 })
			if got := s.Topics[0].SchemaID; got == nil || *got != id {
				t.Errorf("%s: schema id %v, want %d", how, got, id)
			}
			w.end()
		})
	}
}
