//go:build e2e

package e2e

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/test/stack"
)

// Every kind of bad record among good ones: each goes to the dead-letter topic
// once, with its bytes and where it came from; the windows have all the good
// records.
func TestBadInput(t *testing.T) {
	s := stack.New(t)
	s.Create(2, "bad-input")
	from := s.Source("bad-input", record("r", []string{
		`{"name":"x","type":"double"}`, `{"name":"list","type":{"type":"array","items":"float"}}`, `{"name":"maybe","type":["null","int"]}`,
	}))
	random := rand.New(rand.NewPCG(1, 2))
	good := func() []byte {
		return from.Encode(map[string]any{"x": random.Float64(), "list": []float32{1, random.Float32()}, "maybe": int32(random.IntN(9))})
	}
	billion := append(from.Encode(map[string]any{"x": 1.0, "list": []float32{}, "maybe": nil})[:5+8], binary.AppendVarint(nil, 1_000_000_000)...)
	bad := map[string]func() []byte{
		"wrong magic byte":    func() []byte { return append([]byte{1}, good()[1:]...) },
		"four bytes":          func() []byte { return good()[:4] },
		"no bytes":            func() []byte { return []byte{} },
		"unknown schema id":   func() []byte { return append([]byte{0, 0, 15, 66, 63}, good()[5:]...) },
		"header only":         func() []byte { return good()[:5] },
		"truncated":           func() []byte { b := good(); return b[:len(b)-2] },
		"overlong":            func() []byte { return append(good(), 0) },
		"a billion elements":  func() []byte { return append(bytes.Clone(billion), 0, 0, 0, 0) },
		"no such branch":      func() []byte { b := good(); b[len(b)-2] = 84; return b },
		"text":                func() []byte { return []byte(`{"x": 1.5}`) },
		"tombstone":           func() []byte { return nil },
		"an hour ahead":       good,
		"endless varint":      func() []byte { return append(good()[:5+8], bytes.Repeat([]byte{0xff}, 30)...) },
		"negative block size": func() []byte { return append(good()[:5+8], 1, 1, 0, 0) },
	}
	worker := s.Start("worker", "worker", "-c", s.Config("^bad-input$"))
	kinds := slices.Sorted(maps.Keys(bad))
	start := time.Now().Add(-20 * time.Second)
	var records []*kgo.Record
	for k := range 200 {
		at := start.Add(time.Duration(k) * 100 * time.Millisecond)
		records = append(records, &kgo.Record{Topic: "bad-input", Partition: int32(k % 2), Timestamp: at, Value: good()})
		if k%3 == 0 {
			kind := kinds[k/3%len(kinds)]
			r := &kgo.Record{Topic: "bad-input", Partition: int32(k / 3 % 2), Timestamp: at, Value: bad[kind](), Key: []byte("key"), Headers: []kgo.RecordHeader{{Key: "kind", Value: []byte(kind)}}}
			if kind == "an hour ahead" {
				r.Timestamp = time.Now().Add(time.Hour)
			}
			records = append(records, r)
		}
	}
	s.Produce(records...)
	isBad := func(r *kgo.Record) bool { return len(r.Headers) > 0 }
	s.WaitWindows(time.Second, 30*time.Second, isBad, "bad-input")
	worker.Terminate(10 * time.Second)
	v := s.Oracle("^bad-input$", "--latest-ms", strconv.FormatInt(time.Now().Add(time.Minute).UnixMilli(), 10))

	want := map[string]*kgo.Record{} // by place
	tombstones := 0
	for _, r := range records {
		switch {
		case !isBad(r):
		case r.Value == nil:
			tombstones++
		default:
			want[fmt.Sprint(r.Partition, " ", r.Offset)] = r
		}
	}
	errors := map[string]string{} // one of each kind
	for _, letter := range s.ReadAll("dead-letter") {
		h := headers(letter)
		place := h["partition"] + " " + h["offset"]
		r := want[place]
		if r == nil {
			t.Errorf("dead letter of partition and offset %s: of a good record, or a second one", place)
			continue
		}
		delete(want, place)
		if h["topic"] != "bad-input" || h["error"] == "" || !bytes.Equal(letter.Value, r.Value) || !bytes.Equal(letter.Key, r.Key) {
			t.Errorf("dead letter of %q: headers %v, value % x", h["kind"], h, letter.Value)
		}
		errors[h["kind"]] = h["error"]
	}
	for _, kind := range slices.Sorted(maps.Keys(errors)) {
		t.Logf("%-20s %s", kind, errors[kind])
	}
	for place, r := range want {
		t.Errorf("no dead letter of partition and offset %s, %q", place, headers(r)["kind"])
	}
	if v.Tombstones != tombstones {
		t.Errorf("the oracle saw %d tombstones, %d were written", v.Tombstones, tombstones)
	}
}

func headers(r *kgo.Record) map[string]string {
	m := map[string]string{}
	for _, h := range r.Headers {
		m[h.Key] = string(h.Value)
	}
	return m
}
