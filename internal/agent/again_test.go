package agent

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// Of a source topic that was made again, frames of the former one are passed over:
// neither its records nor what was said of its time count, and they are no part of
// what was read.
func TestFramesOfFormerTopic(t *testing.T) {
	logs := wideLogs(rand.New(rand.NewPCG(1, 1)), 1, 0)
	former, now := [16]byte{1}, [16]byte{2}
	frames := func(topic [16]byte, records int) [][]byte {
		s := &splitter{rig: wideRig(t, Settings{Grid: window.TumblingGrid(1000 * second)}), b: &broker{logs: logs}, parts: map[int]*Partition{}}
		s.agent.Share(Shipping)
		s.agent.SetPartitions(1, false)
		s.parts[0] = s.agent.Assign(0, 0, Fresh(0))
		s.read(0, records)
		out, err := s.parts[0].Ship(topic, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	r := wideRig(t, Settings{Grid: window.TumblingGrid(1000 * second)})
	m := r.agent.Merge(0, Fresh(0))
	m.Topic = TopicHash(now)
	offset := int64(0)
	add := func(frames [][]byte, want Verdict) {
		for _, f := range frames {
			v, err := m.Add(offset, 0, 1, f, &MergePlan{Slots: upTo(5)})
			if v != want || err != nil {
				t.Errorf("frame %d: verdict %d, %v, want %d", offset, v, err, want)
			}
			offset++
		}
	}
	add(frames(former, 20), Replayed)
	if rows, windows := m.OpenRows(); rows != 0 || windows != 0 || r.agent.Watermark(m.Activity, math.MaxInt64) != r.agent.Final() || m.Counts.Records != 0 {
		t.Errorf("of a former topic: %d records in %d windows, counts %+v", rows, windows, m.Counts)
	}
	add(frames(now, 5), Accepted)
	add(frames(former, 20), Replayed)
	if rows, _ := m.OpenRows(); rows != m.Counts.Records || rows == 0 || rows > 5 {
		t.Errorf("%d records are open of 5", rows)
	}
	if m.Position() != offset {
		t.Errorf("position %d, want %d", m.Position(), offset)
	}
	m.Check()
}

// An agent that knows that there are other partitions, but not how many, computes
// no window though it has all that it knows of, and says nothing of time: whoever
// merges would take it for that of the whole topic.
func TestOtherPartitions(t *testing.T) {
	logs := wideLogs(rand.New(rand.NewPCG(1, 1)), 1, 0)
	s := &splitter{rig: wideRig(t, Settings{Grid: window.TumblingGrid(second)}), b: &broker{logs: logs}, parts: map[int]*Partition{}}
	s.agent.Share(Split)
	s.agent.SetPartitions(1, true)
	s.parts[0] = s.agent.Assign(0, 0, Fresh(0))
	s.read(0, 20)
	if ws := s.agent.Close(s.agent.Watermark(busy, math.MaxInt64), nil); len(ws) > 0 || s.agent.Complete() {
		t.Errorf("%d windows are computed, complete %v", len(ws), s.agent.Complete())
	}
	frames, err := s.parts[0].Ship([16]byte{1}, 0, nil)
	if err != nil || len(frames) == 0 {
		t.Fatalf("%d frames, %v", len(frames), err)
	}
	for _, f := range frames {
		var r reader
		if h, err := r.open(f); err != nil || h.kind != kindRows {
			t.Errorf("a frame of kind %d, %v", h.kind, err)
		}
	}
	s.agent.SetPartitions(2, false)
	if frames, err = s.parts[0].Ship([16]byte{1}, 0, nil); err != nil || len(frames) != 1 {
		t.Errorf("%d frames, %v, want a claim", len(frames), err)
	}
}

// A partition that is there is one of at least as many as its number says, also
// where a broker has not heard of them yet.
func TestPartitionsBelow(t *testing.T) {
	a := New("t", Settings{Grid: window.TumblingGrid(second)})
	for _, c := range []struct {
		parts    []int32
		of       int
		complete bool
	}{{nil, 0, false}, {nil, 1, false}, {[]int32{0}, 0, false}, {[]int32{0}, 1, true}, {[]int32{1}, 1, false}, {[]int32{0, 1}, 1, true}, {[]int32{0, 2}, 2, false}, {[]int32{0, 1, 2}, 4, false}} {
		for id := range int32(4) {
			a.Revoke(id)
		}
		for _, id := range c.parts {
			a.Assign(id, 0, Fresh(0))
		}
		a.SetPartitions(c.of, false)
		if a.Complete() != c.complete {
			t.Errorf("partitions %v of %d: complete %v", c.parts, c.of, a.Complete())
		}
	}
}
