package worker

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/framing"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// A partition is paused while there is any reason for it, and the client is told
// when the first comes and the last goes.
func TestReasonsToPause(t *testing.T) {
	src := &source{identity: identity{topic: "t"}, partials: "partials", agent: agent.New("t", agent.Settings{Grid: window.TumblingGrid(1000)}), stop: map[int32]int64{}}
	src.agent.SetPartitions(1, false)
	windows := src.agent.Assign(0, 5, agent.Fresh(5))
	p := &part{Feed: windows.Feed, windows: windows, source: src, waiting: noSchema}
	src.parts = map[int32]*part{0: p}
	share := func(how agent.Sharing) { src.split.sharing = how; src.agent.Share(how) }
	s := (&Worker{cfg: config.Default()}).assemble(t.Context(), 0, found{})

	for _, step := range []struct {
		what   string
		change func()
		want   string
		told   string
	}{
		{"nothing", func() {}, "", ""},
		{"a record of schema 0, which is asked for", func() { p.waiting = framing.ID(0) }, "schema", "pause"},
		{"an aggregated topic that refuses", func() { src.hold = &hold{} }, "schema output", ""},
		{"the schema is there", func() { p.waiting = noSchema }, "output", ""},
		{"the dead-letter topic refuses too", func() { src.out.lettersWait = true }, "output letters", ""},
		{"both take records again", func() { src.hold, src.out.lettersWait = nil, false }, "", "resume"},
		{"the topic for partials is missing", func() { share(agent.Shipping) }, "partials", "pause"},
		{"it is there, but a partition is not", func() { share(agent.Alone); src.agent.SetPartitions(2, false) }, "partitions", ""},
		{"it is here", func() { src.agent.SetPartitions(1, false) }, "", "resume"},
		{"the end is reached", func() { src.stop[0] = 5 }, "end", "pause"},
		{"a frame of an unknown topic", func() { p.unknown.met = time.Unix(1, 0) }, "schema end", ""},
	} {
		step.change()
		s.phases.advance(src)
		s.pause(src)
		if got := strings.Join(p.paused.names(), " "); got != step.want {
			t.Errorf("%s: paused by %q, want %q", step.what, got, step.want)
		}
		ofTopic := slices.ContainsFunc(strings.Fields(step.want), func(reason string) bool { return reason != "schema" && reason != "end" })
		if src.phase.reads() == ofTopic {
			t.Errorf("%s: in the phase %s records are read: %v", step.what, src.phase, src.phase.reads())
		}
		told := ""
		for _, tell := range []struct {
			call string
			of   map[string][]int32
		}{{"pause", s.fetching.pause}, {"resume", s.fetching.resume}} {
			if slices.Equal(tell.of["t"], []int32{0}) {
				told += tell.call
			}
			clear(tell.of)
		}
		if told != step.told {
			t.Errorf("%s: the client was told to %q, want %q", step.what, told, step.told)
		}
	}
}
