//go:build e2e

package faults

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
)

const (
	elements   = 24_000 // of the array
	perWindow  = 5      // records
	arrayText  = `{"type":"record","name":"wide","fields":[{"name":"a","type":{"type":"array","items":"double"}}]}`
	largeLimit = "10485760"
)

// arrays writes records with a long array, some to a second, and returns the
// values of its last element by start of window.
func (p *place) arrays(from, to int) map[int64][]float64 {
	p.t.Helper()
	id, err := p.schemas.Register(p.t.Context(), p.topic+"-arrays", arrayText)
	must(p.t, err)
	schema := avro.MustParse(arrayText)
	last := map[int64][]float64{}
	for second := from; second < to; second++ {
		for i := range perWindow {
			a := make([]float64, elements)
			for j := range a {
				p.n++
				a[j] = 1 / p.n // all bits are in use
			}
			at := p.base.Add(time.Duration(second)*time.Second + time.Duration(i)*100*time.Millisecond)
			value, err := schema.AppendEncode(registry.AppendHeader(nil, id), map[string]any{"a": a})
			must(p.t, err)
			must(p.t, p.cl.ProduceSync(p.t.Context(), &kgo.Record{Topic: p.topic, Timestamp: at, Value: value}).FirstErr())
			start := at.Truncate(time.Second).UnixMilli()
			last[start] = append(last[start], a[elements-1])
		}
	}
	return last
}

// A window of seven statistics of an array of 24,000 elements is a record of
// 1.3 MB.
func TestF54LargeResult(t *testing.T) {
	seven := []string{"min", "q1", "mean", "median", "stdev", "q3", "max"}
	// The topic takes 1 MB. It says so, and goes on when its limit is raised.
	t.Run("the topic takes less", func(t *testing.T) {
		p := onKafka(t)
		p.cfg.Aggregations[0].Operations = seven
		p.create(1)
		good := p.beside("good")
		good.create(1)
		w := p.start()
		good.fill(0, 0, 5)
		last := p.arrays(0, 4)
		t.Logf("the other topic's windows were out after %.2f s", good.reach(3, patience, w).Seconds())
		s := w.status("a problem", func(s status) bool { return p.of(s).Problem() != "" })
		problem := p.of(s).Problem()
		t.Logf("ready %v: %s", s.Ready, problem)
		if !regexp.MustCompile(`1[.,]?3[0-9]`).MatchString(problem) {
			t.Errorf("the problem does not tell the record's size")
		}
		for _, way := range []string{"max.message.bytes", "operations"} {
			if !strings.Contains(problem, way) {
				t.Errorf("the problem does not name the way out %q", way)
			}
		}
		for second := 5.0; second < 15; second++ { // one by one: each is soon out
			good.fill(0, second, second+1)
			if took := good.reach(int(second)-1, patience, w); took > 5*time.Second {
				t.Errorf("a window of the other topic came after %v", took)
			}
		}
		p.set(p.topic+"-aggregated", "max.message.bytes", largeLimit)
		t.Logf("with a higher limit its own windows were out after %.2f s", p.reach(2, time.Minute, w).Seconds())
		if s := w.Status(); s.Sessions != 1 {
			t.Errorf("%d sessions", s.Sessions)
		}
		w.end()
		p.finish()
		p.compareArrays(last)
		good.compare(good.rows())
	})
	// The topic takes 10 MiB.
	t.Run("the topic takes it", func(t *testing.T) {
		p := onKafka(t)
		p.cfg.Aggregations[0].Operations = seven
		p.create(1)
		r, err := p.adm.CreateTopic(t.Context(), 1, 1, map[string]*string{"max.message.bytes": new(largeLimit)}, p.topic+"-aggregated")
		must(t, err)
		must(t, r.Err)
		w := p.start()
		last := p.arrays(0, 4)
		t.Logf("its windows were out after %.2f s", p.reach(2, patience, w).Seconds())
		if s := w.Status(); s.Sessions != 1 {
			t.Errorf("%d sessions", s.Sessions)
		}
		w.end()
		p.finish()
		p.compareArrays(last)
	})
}

// compareArrays wants a record for each window, with arrays of full length and
// the right last elements.
func (p *place) compareArrays(last map[int64][]float64) {
	p.t.Helper()
	rows := p.read(p.topic + "-aggregated")
	if len(rows) != len(last) {
		p.t.Errorf("%d aggregated records, want %d", len(rows), len(last))
	}
	for _, r := range rows {
		id, body, err := registry.ParseHeader(r.Value)
		must(p.t, err)
		s, err := p.schemas.Schema(p.t.Context(), id)
		must(p.t, err)
		v := map[string]any{}
		_, err = s.Decode(body, &v)
		must(p.t, err)
		start := r.Timestamp.Add(-time.Second / 2).UnixMilli()
		sent := slices.Clone(last[start])
		slices.Sort(sent)
		low, _ := v["min_a"].([]any)
		middle, _ := v["median_a"].([]any)
		high, _ := v["max_a"].([]any)
		if len(low) != elements || len(middle) != elements || len(high) != elements {
			p.t.Fatalf("window %s: %d, %d and %d elements, want %d", p.name(start), len(low), len(middle), len(high), elements)
		}
		want := fmt.Sprint(perWindow, sent[0], sent[perWindow/2], sent[perWindow-1])
		if got := fmt.Sprint(v["count"], low[elements-1], middle[elements-1], high[elements-1]); got != want {
			p.t.Errorf("window %s: count, min, median and max are %s, want %s", p.name(start), got, want)
		}
		p.t.Logf("window %s: %d bytes", p.name(start), len(r.Value))
	}
}
