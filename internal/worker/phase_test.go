package worker

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

// All that can be found in each phase, and the phase that follows; - cannot be.
const transitions = `
phase       refusal  no partials  letters  unplaced  missing     clock  end       nothing to do  probe    schema  nothing  dropped
new         held     partials     letters  placing   partitions  clock  draining  drained        probing  schema  running  gone
held        held     partials     letters  placing   partitions  clock  draining  drained        probing  schema  running  gone
partials    held     partials     letters  placing   partitions  clock  draining  drained        probing  schema  running  gone
letters     held     partials     letters  placing   partitions  clock  draining  drained        probing  schema  running  gone
placing     held     partials     letters  placing   partitions  clock  draining  drained        probing  schema  running  gone
partitions  held     partials     letters  placing   partitions  clock  draining  drained        probing  schema  running  gone
clock       held     partials     letters  placing   partitions  clock  draining  drained        probing  schema  running  gone
draining    held     partials     letters  placing   partitions  clock  draining  drained        -        -       -        gone
drained     held     partials     letters  placing   partitions  clock  draining  drained        -        -       -        gone
probing     held     partials     letters  placing   partitions  clock  draining  drained        probing  schema  running  gone
schema      held     partials     letters  placing   partitions  clock  draining  drained        -        schema  running  gone
running     held     partials     letters  placing   partitions  clock  draining  drained        -        schema  running  gone
gone        -        -            -        -         -           -      -         -              -        -       -        -
`

func TestTransitions(t *testing.T) {
	rows := strings.Split(strings.TrimSpace(transitions), "\n")
	cells := func(row string) (out []string) {
		for c := range strings.SplitSeq(row, "  ") {
			if c = strings.TrimSpace(c); c != "" {
				out = append(out, c)
			}
		}
		return out
	}
	if got := cells(rows[0])[1:]; strings.Join(got, ",") != strings.Join(findingNames[:], ",") {
		t.Fatalf("the table has the findings %q", got)
	}
	if len(rows)-1 != len(phaseNames) {
		t.Fatalf("the table has %d phases, there are %d", len(rows)-1, len(phaseNames))
	}
	for i, row := range rows[1:] {
		p, want := phase(i), cells(row)
		if want[0] != p.String() {
			t.Fatalf("row %d is of the phase %q, not %q", i+1, want[0], p)
		}
		for f := range findings {
			next, err := p.next(f)
			got := next.String()
			if err != nil {
				got = "-"
				if says := fmt.Sprintf("BUG: in the phase %q of a topic %q cannot be found", p, f); err.Error() != says || next != p {
					t.Errorf("%s, %s: the phase is %s, the error %q, not %q", p, f, next, err, says)
				}
			}
			if got != want[1+f] {
				t.Errorf("%s, %s: comes to %s, want %s", p, f, got, want[1+f])
			}
		}
	}
}

// What a phase allows is nested, in the order of the phases: it is why the strictest
// of several things that hold a topic up may hide the others.
func TestWhatPhasesAllow(t *testing.T) {
	for p, want := range map[phase]string{
		phaseNew: "", phaseHeld: "", phasePartials: "", phaseLetters: "", phaseGone: "",
		phasePlacing: "deliver", phasePartitions: "deliver", phaseClock: "deliver",
		phaseDraining: "deliver read end", phaseDrained: "deliver read end",
		phaseProbing: "deliver read", phaseSchema: "deliver read", phaseRunning: "deliver read",
	} {
		var got []string
		for _, may := range []struct {
			what string
			is   bool
		}{{"deliver", p.delivers()}, {"read", p.reads()}, {"end", p.atEnd()}} {
			if may.is {
				got = append(got, may.what)
			}
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("%s allows %q, want %q", p, got, want)
		}
	}
}

// stand is a session with a source that has one partition of one, at offset 5.
func stand(t *testing.T) (*session, *source, *part) {
	t.Helper()
	src := &source{identity: identity{topic: "t"}, partials: "partials", agent: agent.New("t", agent.Settings{Grid: window.TumblingGrid(1000)}), stop: map[int32]int64{}, placement: placement{unplaced: map[int32]*unplaced{}}}
	src.agent.SetPartitions(1, false)
	windows := src.agent.Assign(0, 5, agent.Fresh(5))
	p := &part{Feed: windows.Feed, windows: windows, source: src, waiting: noSchema}
	src.parts = map[int32]*part{0: p}
	s := (&Worker{cfg: config.Default()}).assemble(t.Context(), 0, found{})
	s.sources["t"] = src
	return s, src, p
}

// What is found of a source: alone, and beside all that is less strict.
func TestFindings(t *testing.T) {
	facts := []struct {
		finding finding
		lacks   string
		set     func(*session, *source, *part)
	}{ // the strictest last
		{findsNothing, "", func(*session, *source, *part) {}},
		{findsSchema, "", func(_ *session, _ *source, p *part) { p.unknown.met = time.Unix(1, 0) }},
		{findsProbe, "", func(_ *session, src *source, _ *part) { src.hold = &hold{state: holdProbing} }},
		{findsClock, "clock", func(s *session, _ *source, _ *part) { s.phases.clock.wrong = true }},
		{findsMissing, "partitions", func(_ *session, src *source, _ *part) { src.agent.SetPartitions(2, false) }},
		{findsUnplaced, "partitions", func(_ *session, src *source, _ *part) {
			src.agent.SetPartitions(2, false)
			src.placement.unplaced[1] = &unplaced{}
		}},
		{findsLetters, "letters", func(_ *session, src *source, _ *part) { src.out.lettersWait = true }},
		{findsNoPartials, "partials", func(_ *session, src *source, _ *part) {
			src.split.sharing = agent.Shipping
			src.agent.Share(agent.Shipping)
		}},
		{findsRefusal, "output", func(_ *session, src *source, _ *part) { src.hold = &hold{} }},
	}
	for i, fact := range facts {
		s, src, p := stand(t)
		fact.set(s, src, p)
		if f, lacks := s.phases.find(src); f != fact.finding || strings.Join(lacks.names(), " ") != fact.lacks {
			t.Errorf("%s: found %s, lacks %v", fact.finding, f, lacks.names())
		}
		next, err := phaseNew.next(fact.finding)
		if err != nil || next.reads() != (fact.lacks == "") {
			t.Errorf("%s: in the phase %s records are read: %v, and partitions paused by %q", fact.finding, next, next.reads(), fact.lacks)
		}
		s, src, p = stand(t)
		for _, fact := range facts[:i+1] {
			fact.set(s, src, p)
		}
		if f, _ := s.phases.find(src); f != fact.finding {
			t.Errorf("%s beside all that is less strict: found %s", fact.finding, f)
		}
	}
}

// The end is found when all is read, and nothing is left to do when all is written.
func TestFindsTheEnd(t *testing.T) {
	s, src, p := stand(t)
	for _, step := range []struct {
		what   string
		change func()
		want   phase
	}{
		{"there is more to read", func() { src.stop[0] = 6 }, phaseRunning},
		{"an output refuses", func() { src.hold = &hold{} }, phaseHeld},
		{"it is tried again", func() { src.hold.state = holdProbing }, phaseProbing},
		{"meanwhile all is read", func() { p.Skip(5) }, phaseDraining},
		{"it takes records", func() { src.hold = nil }, phaseDrained},
		{"it has another partition", func() { src.agent.SetPartitions(2, false) }, phasePartitions},
	} {
		step.change()
		if s.phases.advance(src); src.phase != step.want {
			t.Errorf("%s: the phase is %s, want %s", step.what, src.phase, step.want)
		}
	}
	if s.failed != nil {
		t.Fatal(s.failed)
	}
	p.cut = true // records behind the end were passed over
	if s.phases.advance(src); s.failed == nil {
		t.Error("the session goes on, though others have a part of what was read to the end")
	}
}

// A phase that cannot be ends the session.
func TestImpossiblePhaseEndsTheSession(t *testing.T) {
	s, src, _ := stand(t)
	src.phase = phaseGone
	func() {
		defer func() { // with the build tag invariants it is a panic
			if fault := recover(); fault != nil {
				s.failed = fmt.Errorf("%v", fault)
			}
		}()
		s.phases.advance(src)
	}()
	if s.failed == nil || !strings.Contains(s.failed.Error(), `in the phase "gone" of a topic "nothing" cannot be found`) || src.phase != phaseGone {
		t.Errorf("the phase is %s, the session fails with %v", src.phase, s.failed)
	}
}

// A source that starts over in an iteration had news in it. What it was before was looked at
// all the same: its windows were computed, and partitions paused for its sake.
func TestGoneSourceIsNotLookedAt(t *testing.T) {
	s, src, p := stand(t)
	s.phases.advance(src)
	p.batch = append(p.batch, nil)
	s.enqueue(p)
	src.touch(s)
	s.phases.enter(src, findsDropped)
	if s.iteration.forgetGone(); len(s.iteration.ready)+len(s.iteration.touched) != 0 {
		t.Errorf("%d partitions and %d sources are left", len(s.iteration.ready), len(s.iteration.touched))
	}
}
