//go:build invariants

package agent

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/invariants"
	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// violation is the text with which f panics, "" if it does not.
func violation(f func()) (text string) {
	defer func() { text, _ = recover().(string) }()
	f()
	return ""
}

// watched is an agent of two partitions with three open windows in each, and
// one that is closed; partition 0 is that of the tests.
func watched(t *testing.T) (*rig, *Partition) {
	r := wideRig(t, Settings{Grid: window.TumblingGrid(second), Grace: second, MaxFutureSkew: second})
	r.agent.SetPartitions(2, false)
	rng := rand.New(rand.NewPCG(3, 3))
	for id := range int32(2) {
		p := r.agent.Assign(id, 0, Fresh(0))
		for o := range int64(50) {
			if _, err := p.Add(o, 0, 100*second+o*second/10, 200*second, &Plan{Decoder: r.decoder}, wideBody(rng)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := len(r.close(busy)); n != 3 {
		t.Fatalf("%d windows", n)
	}
	p := r.agent.parts[0]
	if _, _, c := p.Low(); len(p.panes) != 2 || len(p.free) == 0 || c.Count != 20 {
		t.Fatalf("%d open windows, %d empty panes, %+v", len(p.panes), len(p.free), c)
	}
	return r, p
}

// Each of the dear checks finds what is broken on purpose, and says where.
func TestInvariantsCanFail(t *testing.T) {
	commit := func(p *Partition) { p.Check(); p.Low() }
	for _, c := range []struct {
		broken string
		do     func(r *rig, p *Partition)
		want   string
	}{
		{"nothing", func(*rig, *Partition) {}, ""},
		{"a window's first record is below the offset that is committed", func(_ *rig, p *Partition) { p.panes[0].opened.offset++ }, "BUG: t/0 window 103000000000: committed offset 31, but the window was opened by offset 31, its first record is 30"},
		{"the position is behind the committed offset", func(_ *rig, p *Partition) { p.from = 35 }, "committed offset 30, head 50, position 50, resumed from 35"},
		{"final goes back", func(r *rig, _ *Partition) { r.agent.final -= second }, "committed offset and final time go back from 30, 103000000000 to 30, 102000000000"},
		{"the highest time goes back", func(_ *rig, p *Partition) { p.maxTime -= second }, "the checkpoint at offset 30 has count 20"},
		{"the fingerprint is wrong", func(_ *rig, p *Partition) { p.hash++ }, "counted again they are 20"},
		{"a record is counted twice", func(_ *rig, p *Partition) { p.seen++ }, "has count 21"},
		{"refused offsets are out of order", func(_ *rig, p *Partition) { p.refused = spans{{40, 41}, {35, 36}} }, "refused offsets 35 to 36, behind 41"},
		{"a row is lost", func(_ *rig, p *Partition) { p.panes[0].rows-- }, "t/0 window 103000000000: times, offsets: [10 10]"},
		{"a whole record is lost", func(_ *rig, p *Partition) {
			c := p.panes[1]
			c.rows, c.times, c.offsets, c.last = c.rows-1, c.times[:9], c.offsets[:9], c.offsets[8]
			for i := range c.arrays {
				if a := &c.arrays[i]; len(a.ends) == 10 {
					a.ends, a.values, a.rests = a.ends[:9], a.values[:a.ends[8]], a.rests[:searchRests(a.rests, int(a.ends[8]))]
				}
				c.rests[i] = c.rests[i][:searchRests(c.rests[i], 9)]
			}
			p.Counts.Records--
		}, "t/0 window 104000000000: 10 records went in, and 9 are there"},
		{"a window vanishes", func(_ *rig, p *Partition) { p.panes = p.panes[:1]; p.current = nil }, "t: 2 windows have records, and 1 are open"},
		{"windows are out of order", func(_ *rig, p *Partition) { p.panes[0], p.panes[1] = p.panes[1], p.panes[0] }, "t/0: window 103000000000 stands behind 104000000000"},
		{"a window is open that is final", func(r *rig, _ *Partition) { r.agent.final = 104 * second }, "t/0: the slice 103000000000 is here with 10 records, final false, and time has come to 104000000000"},
		{"an event time is outside", func(_ *rig, p *Partition) { p.panes[0].times[4] += second }, "an event time outside: [104400000000 34]"},
		{"offsets are out of order", func(_ *rig, p *Partition) { p.panes[0].offsets[4] = 7 }, "offsets out of order: [33 7]"},
		{"first is wrong", func(_ *rig, p *Partition) { p.panes[1].first++ }, "first and last offset: [41 49 40 49]"},
		{"an array is too long", func(_ *rig, p *Partition) { p.panes[0].arrays[2].ends[9]++ }, "an array's end, by slot and row: [2 9"},
		{"a residual has no row", func(_ *rig, p *Partition) {
			p.panes[0].rests[1] = append(p.panes[0].rests[1], stats.Residual{Row: 10, Value: 1})
		}, "a residual, by slot and row: [1 10 10]"},
		{"the pane of the newest record is gone", func(_ *rig, p *Partition) { p.current = p.free[0] }, "the pane of the newest record"},
		{"an open pane is in the list of the empty ones", func(_ *rig, p *Partition) { p.free = append(p.free, p.panes[0]) }, "t/0 window 103000000000: its pane was given back"},
		{"a pane's memory was given back", func(_ *rig, p *Partition) { p.panes[0].spoil() }, "an event time outside"},
		{"a column is of memory that was given back", func(_ *rig, p *Partition) { copy(p.panes[0].scalars, p.free[0].scalars[:1]) }, "memory that was given back, at slot and row: [0 0]"},
		{"the memory of empty panes is miscounted", func(_ *rig, p *Partition) { p.kept-- }, "empty panes have"},
		{"an empty pane is written to", func(_ *rig, p *Partition) { p.free[len(p.free)-1].scalars[3] = 1; p.take(false) }, "t/0: a pane was written to after it was given back"},
	} {
		r, p := watched(t)
		got := violation(func() { c.do(r, p); commit(p) })
		if !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%s: %q, want %q", c.broken, got, c.want)
		}
	}
}

// A record that is judged otherwise when it is read again is found, unless it
// is another one.
func TestVerdictsCanFail(t *testing.T) {
	run := func(change func(v *Verdicts, c *Checkpoint)) string {
		r := newRig(t, Settings{Grid: window.TumblingGrid(second), Grace: second, MaxFutureSkew: second}, 1)
		var v Verdicts
		p := r.agent.Assign(0, 0, Fresh(0))
		p.Remember(&v, [16]byte{})
		for o := range int64(30) {
			r.add(p, o, 100*second+o*second/10, 1)
		}
		p.Reject(30, 0, 102*second, ForNow)
		r.close(busy)
		low, _, c := p.Low()
		v.Committed(low)
		change(&v, &c)
		again := newRig(t, r.set, 1)
		p = again.agent.Assign(0, low, c)
		p.Remember(&v, [16]byte{})
		return violation(func() {
			for o := low; o < 30; o++ {
				again.add(p, o, 100*second+o*second/10, 1)
			}
			p.Reject(30, 0, 102*second, ForNow)
			p.Check()
			if v.Compared() != int(31-low) {
				t.Errorf("%d verdicts compared", v.Compared())
			}
		})
	}
	if got := run(func(*Verdicts, *Checkpoint) {}); got != "" {
		t.Errorf("nothing is wrong: %s", got)
	}
	want := "t/0: 1 records are judged otherwise than before, first offset 25: it was in window -9223372036854775808 and is in 102000000000"
	if got := run(func(v *Verdicts, _ *Checkpoint) { v.committed[25] = window.Unset }); !strings.Contains(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := run(func(v *Verdicts, _ *Checkpoint) { v.committed[30] = 102 * second }); !strings.Contains(got, "first offset 30") {
		t.Errorf("a record that was accepted is refused: %q", got)
	}
	if got := run(func(v *Verdicts, c *Checkpoint) { v.committed[25] = window.Unset; c.Hash++ }); got != "" {
		t.Errorf("other records: %s", got)
	}
}

// A frame that does not say what the pane has is found, and so are records
// that arrive twice or after it was said that none would come.
func TestPartialsCanFail(t *testing.T) {
	r, p := watched(t)
	c := p.panes[0]
	n := len(r.agent.Versions(0)[0].Schema.Fields)
	frames := appendRows(nil, header{partition: 0}, c, second, 0, 7, n)
	if got := violation(func() { p.verifyFrames(frames, c, n) }); got != "" {
		t.Errorf("nothing is wrong: %s", got)
	}
	c.scalars[5]++
	if got := violation(func() { p.verifyFrames(frames, c, n) }); !strings.Contains(got, "t/0 window 103000000000: a frame that is read back differs: slot, row: [0 5") {
		t.Errorf("a number differs: %q", got)
	}
	c.scalars[5]--
	c.arrays[2].values[0]++
	if got := violation(func() { p.verifyFrames(frames, c, n) }); !strings.Contains(got, "array of slot, row: [2") {
		t.Errorf("an element differs: %q", got)
	}
	c.arrays[2].values[0]--

	slots := make([]int, n)
	for i := range slots {
		slots[i] = i
	}
	merge := func(once bool, frames ...[]byte) string {
		set := r.set
		set.Once = once
		a := New("t", set)
		a.AddVersion(0, Version{Schema: r.agent.Versions(0)[0].Schema, SchemaID: 7, Encoder: codec.NewEncoder(r.agent.Versions(0)[0].Schema, 7, slots, 8)})
		m := a.Merge(0, Fresh(0))
		return violation(func() {
			for i, f := range frames {
				if _, err := m.Add(int64(i), 0, 0, f, &MergePlan{Slots: slots}); err != nil {
					t.Fatal(err)
				}
			}
			m.Check()
		})
	}
	said := appendClaim(nil, header{partition: 0}, claim{of: 1, watermark: 104 * second})
	other := appendRows(nil, header{partition: 0}, p.panes[1], second, 0, 7, n)[0]
	for _, c := range []struct {
		what   string
		frames [][]byte
		want   string
	}{
		{"each once", [][]byte{frames[0], said, other}, ""},
		{"a frame twice", [][]byte{frames[0], frames[0]}, "t/0 window 103000000000: offset 30 comes twice, or out of order; the last was 39"},
		{"a frame after the claim", [][]byte{said, frames[0]}, "t/0 window 103000000000: 10 records from offset 30 come, though it was said that no more would (up to 104000000000)"},
	} {
		if got := merge(true, c.frames...); !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
		if got := merge(false, c.frames...); got != "" {
			t.Errorf("%s, which may be without transactions: %s", c.what, got)
		}
	}
}

// What is computed of memory that was given back is found.
func TestComputeAfterReleaseIsFound(t *testing.T) {
	r, p := watched(t)
	p.Add(50, 0, 110*second, 200*second, &Plan{Decoder: r.decoder}, wideBody(rand.New(rand.NewPCG(1, 1))))
	r.agent.Revoke(1)
	r.agent.SetPartitions(1, false)
	ws := r.agent.Close(r.agent.Watermark(busy, math.MaxInt64), nil)
	if len(ws) == 0 {
		t.Fatal("no window is final")
	}
	column := ws[0].panes[0].column(0)
	r.agent.Release(ws[0])
	if got := violation(func() {
		r.computer.segments = []stats.Segment{{Values: column}}
		r.computer.summarize(make([]float64, 8), stats.Real)
	}); !strings.Contains(got, "memory that was given back") {
		t.Errorf("%q", got)
	}
	if !invariants.IsFreed(column[0]) {
		t.Error("the memory is as before")
	}
}
