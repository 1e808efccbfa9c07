package worker

import (
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// A member finds that new partitions of a split topic are not committed by
// all members yet, which by then they are. It was to read the topic again with
// the next assignment that shares it out, and never did.
func TestPartlyCommittedTopicIsReadAgain(t *testing.T) {
	s := (&Worker{cfg: config.Default()}).assemble(t.Context(), 0, found{"t": {partitions: 5}, "partials": {partitions: 1, merges: "t"}})
	src := &source{identity: identity{topic: "t"}, partials: "partials", agent: agent.New("t", agent.Settings{})}
	s.sources["t"] = src
	assign := func(topics ...string) {
		s.shares.set(topics)
		s.reshare(src.split.shipped)
	}
	assign("t")
	src.split.partlyCommitted = s.shares.now() // as onAdjust does
	s.topics.changed = true
	if s.reshare(src.split.shipped); src.phase.reads() {
		t.Error("read although it was found partly committed under this very assignment")
	}
	if assign("other"); src.phase.reads() {
		t.Error("read although the leader does not share it out, and not all partitions are here")
	}
	if assign("t"); !src.phase.reads() {
		t.Error("not read although the leader has found all partitions committed")
	}
}

// A worker gets partitions of which records were shipped, and has not heard of
// the topic for them yet. It read on and committed what it could not ship.
func TestWaitsForTheTopicOfPartials(t *testing.T) {
	s := (&Worker{cfg: config.Default()}).assemble(t.Context(), 0, found{"t": {partitions: 1}})
	src := &source{identity: identity{topic: "t"}, partials: "partials", agent: agent.New("t", agent.Settings{Grid: window.TumblingGrid(1000)}), split: split{making: true}}
	s.sources["t"] = src
	s.shares.set(nil)
	src.agent.SetPartitions(1, false)
	c := agent.Fresh(4)
	c.Shipped = 1000
	src.agent.Assign(0, 4, c)
	s.phases.advance(src)
	if src.phase.reads() {
		t.Error("read although there is nowhere to ship to")
	}
	s.topics.known["partials"], s.topics.changed = topicView{partitions: 1, merges: "t"}, true
	if s.reshare(src.split.shipped); !src.phase.reads() {
		t.Error("not read although there is")
	}
}

// A partition without an offset had letters of its records when another one of its
// topic was taken away. They were delivered, its offset was not, and the next
// worker had the letters once more.
func TestOffsetGoesWithWhatWasProcessed(t *testing.T) {
	src := &source{identity: identity{topic: "t"}, agent: agent.New("t", agent.Settings{Grid: window.TumblingGrid(1000)})}
	src.agent.SetPartitions(2, false)
	windows := src.agent.Assign(0, 0, agent.Fresh(0))
	p := &part{Feed: windows.Feed, windows: windows, source: src, last: commit{fresh: true}}
	if src.informed() || p.commitReady() {
		t.Fatal("a partition without an offset is committed though others, that may know what is final, are missing")
	}
	if p.Counts.Records++; !p.commitReady() {
		t.Error("the offset of processed records is not committed")
	}
}
