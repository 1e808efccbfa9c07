//go:build e2e

package e2e

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/framing"
	"github.com/lsst-sqre/kafka-aggregator/test/stack"
)

// zerosSchema begins with a number that is mostly zero, so that data often begin like a
// prefix.
const zerosSchema = `{"type":"record","name":"zeros","fields":[
	{"name":"state","type":"double"},{"name":"maybe","type":["null","double"]},{"name":"x","type":"double"},{"name":"list","type":{"type":"array","items":"int"}}]}`

func zerosRecord(r *rand.Rand) map[string]any {
	m := map[string]any{"state": 0.0, "maybe": nil, "x": r.NormFloat64(), "list": []int32{}}
	if r.IntN(4) == 0 {
		m["state"], m["maybe"], m["list"] = r.Float64(), r.Float64(), []int32{int32(r.Uint32()), 0}
	}
	return m
}

// All framings, mixed in each partition of a topic, with workers that are killed: all
// records are aggregated, and none is a dead letter.
func TestFramings(t *testing.T) {
	const version, seconds = "89791762-2336-4186-9674-299b90a802e2", 30
	s := stack.New(t)
	s.Create(2, "framings")
	source := s.Source("framings", zerosSchema)
	names, err := s.Schemas.Names(t.Context(), "framings-value")
	must(t, err)
	guid, err := framing.ParseGUID(version)
	must(t, err)
	config := s.Config("^framings$",
		"    framing:",
		"      single_object: true",
		fmt.Sprintf("      glue: {schemas: {%s: %d}}", version, names.ID),
		"      bare: {subject: '{source_topic}-value'}",
		"    window: {size: 1s, grace: 1s, idle_after: 30s}")
	random := rand.New(rand.NewPCG(5, 6))
	at := time.Now().Add(-5 * time.Minute).Truncate(time.Second)
	framed := func(r *kgo.Record, how int) *kgo.Record {
		data := r.Value[5:]
		header := func(value []byte) {
			r.Headers, r.Value = []kgo.RecordHeader{{Key: "source", Value: []byte("a")}, {Key: framing.SchemaHeader, Value: value}}, data
		}
		switch how {
		case 0: // as it is
		case 1:
			header(framing.AppendIDHeader(nil, names.ID))
		case 2:
			header(framing.AppendGUIDHeader(nil, names.GUID))
		case 3:
			r.Value = append(framing.AppendSingle(nil, names.Fingerprint), data...)
		case 4:
			r.Value = append(framing.AppendGlue(nil, guid), data...)
		case 5:
			var b bytes.Buffer
			z := zlib.NewWriter(&b)
			_, err := z.Write(data)
			must(t, err)
			must(t, z.Close())
			r.Value = append(append([]byte{3, 5}, guid[:]...), b.Bytes()...)
		case 6:
			r.Value = data
		}
		return r
	}
	produce := func() {
		var records []*kgo.Record
		for range seconds * 40 {
			at = at.Add(time.Second / 40)
			records = append(records, framed(source.Record(random.Int32N(2), at, zerosRecord(random)), random.IntN(7)))
		}
		s.Produce(records...)
	}
	for i := range 3 {
		produce()
		if i < 2 {
			worker := s.Start(fmt.Sprintf("worker-%d", i), "worker", "-c", config)
			time.Sleep(4 * time.Second)
			worker.Kill()
		}
	}
	s.Start("worker", "worker", "-c", config, "--stop-at-end").Wait(time.Minute)
	v := s.Oracle("^framings$", "--subject", "framings-value", "--single-object", "--glue", fmt.Sprintf("%s=%d", version, names.ID),
		"--bare", fmt.Sprint(names.ID), "--dead-letters", "dead-letter")
	if v.Bad != 0 || v.Letters != 0 || v.InWindows != v.Source || v.Source != 3*seconds*40 {
		t.Errorf("%d source records, %d in windows, %d bad, %d dead letters", v.Source, v.InWindows, v.Bad, v.Letters)
	}
}
