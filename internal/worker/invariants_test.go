//go:build invariants

package worker

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// The expensive checks of a session find what is broken on purpose, and say where.
func TestInvariantsCanFail(t *testing.T) {
	newSession := func() (*session, *source, *part) {
		s := &session{sources: map[string]*source{}, order: order{map[outputOf]int64{}}}
		src := &source{identity: identity{topic: "t"}, agent: agent.New("t", agent.Settings{Grid: window.TumblingGrid(10)}), parts: map[int32]*part{}}
		s.sources["t"] = src
		p := newPart(src, 3, 20, agent.Fresh(20))
		p.last.offset = 20
		src.parts[3] = p
		return s, src, p
	}
	record := func(offset int64) *kgo.Record { return &kgo.Record{Topic: "t", Partition: 3, Offset: offset} }
	result := func(start, count int64) *agent.Result {
		return &agent.Result{Start: start, End: start + 10, Count: count, Ranges: []agent.Range{{Partition: 3, First: 5, Last: 6, Count: 2}}}
	}
	for _, c := range []struct {
		broken string
		do     func(s *session, src *source, p *part)
		want   string
	}{
		{"nothing", func(s *session, _ *source, p *part) {
			p.batch = []*kgo.Record{record(20), record(22)}
			p.verifyBatch()
			p.verifyLow(20)
			s.order.verify("t", result(10, 2), false)
			s.order.verify("u", result(10, 2), false)
			s.order.verify("t", result(20, 2), false)
			spoil(make([]kgo.Record, 3))
		}, ""},
		{"a record was given back", func(_ *session, _ *source, p *part) {
			p.batch = []*kgo.Record{record(20), {}}
			p.verifyBatch()
		}, `BUG: t/3: a batch has a record of ""/0 at offset 0, behind offset 20`},
		{"a record comes twice", func(_ *session, _ *source, p *part) {
			p.batch = []*kgo.Record{record(20), record(20)}
			p.verifyBatch()
		}, `a batch has a record of "t"/3 at offset 20, behind offset 20`},
		{"an offset goes back", func(_ *session, _ *source, p *part) { p.verifyLow(19) }, "BUG: t/3: offset 19 is to be committed after 20, position 20"},
		{"an offset is ahead", func(_ *session, _ *source, p *part) { p.verifyLow(21) }, "offset 21 is to be committed after 20, position 20"},
		{"a window comes out twice", func(s *session, _ *source, _ *part) {
			s.order.verify("t", result(20, 2), false)
			s.order.verify("t", result(20, 2), false)
		}, "BUG: t: window 20 to 30 comes out behind one that ends at 30 (2 records)"},
		{"a window comes out of order", func(s *session, _ *source, _ *part) {
			s.order.verify("t", result(20, 2), false)
			s.order.verify("t", result(10, 2), false)
		}, "window 10 to 20 comes out behind one that ends at 30"},
		{"a window has records of nowhere", func(s *session, _ *source, _ *part) { s.order.verify("t", result(20, 3), false) }, "BUG: t window 20: 3 records, of partitions 2"},
		{"a record is written to after it was given back", func(*session, *source, *part) {
			rs := make([]kgo.Record, 3)
			spoil(rs)
			rs[1] = *record(7)
			unspoil(rs)
		}, `BUG: a record that was given back was written to: "t"/3 offset 7`},
	} {
		s, src, p := newSession()
		got := func() (text string) {
			defer func() { text, _ = recover().(string) }()
			c.do(s, src, p)
			return ""
		}()
		if !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%s: %q, want %q", c.broken, got, c.want)
		}
	}
}
