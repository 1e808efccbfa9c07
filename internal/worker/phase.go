package worker

import (
	"fmt"
	"maps"
	"slices"

	"github.com/lsst-sqre/kafka-aggregator/internal/invariants"
)

// phase is where a source topic stands. Several things may hold a topic up at
// once; its phase is that of the strictest. That is enough to decide by, because
// what phases allow is nested: one that forbids delivering forbids reading, so
// whatever a stricter phase hides would forbid nothing more. Of what else holds the topic
// up tell the reasons of its partitions (pause.go) and its problems
// (problem.go).
type phase uint8

// In the order of what they allow.
const (
	phaseNew        phase = iota // made for an assignment, not looked at yet
	phaseHeld                    // an aggregated topic, or that for partials, refuses records
	phasePartials                // it has to ship, and the topic for partials is not there
	phaseLetters                 // the dead-letter topic, or that of late records, refuses letters
	phasePlacing                 // what is final is not known: of partitions assigned here it is not known where they are read from
	phasePartitions              // what is final is not known: others have its other partitions, or nobody
	phaseClock                   // this machine's clock is wrong, by which records would be judged and windows closed
	phaseDraining                // read to the offsets to stop at; its last windows are closed and delivered
	phaseDrained                 // nothing of it is left to be done
	phaseProbing                 // a topic that refused records is tried again, with what comes of this source alone
	phaseSchema                  // a partition waits for its schema, or for word on the topic of a frame; the others go on
	phaseRunning                 // nothing holds it up
	phaseGone                    // its partitions were taken away, or it started over: what is here is of no use any more
)

// phaseNames are the labels of the metric, in the order of the constants.
var phaseNames = [...]string{"new", "held", "partials", "letters", "placing", "partitions", "clock", "draining", "drained", "probing", "schema", "running", "gone"}

func (p phase) String() string { return phaseNames[p] }

// delivers reports whether what was computed may be written and committed.
func (p phase) delivers() bool { return p >= phasePlacing && p != phaseGone }

// reads reports whether records may be processed and windows made final.
func (p phase) reads() bool { return p >= phaseDraining && p != phaseGone }

// atEnd reports whether all has been read up to the offsets to stop at.
func (p phase) atEnd() bool { return p == phaseDraining || p == phaseDrained }

// finding is what a look at a topic finds: of all that holds it up, the strictest.
type finding uint8

const (
	findsRefusal     finding = iota // an output refuses records; it is not time to try it again
	findsNoPartials                 // records have to be shipped, and there is no topic for them
	findsLetters                    // letters are refused; it is not time to try them again, or to give them up
	findsUnplaced                   // what is final is not known, and partitions that are here have no position
	findsMissing                    // what is final is not known, as partitions are missing
	findsClock                      // this machine's clock is wrong
	findsEnd                        // all is read up to the offsets to stop at
	findsNothingToDo                // and all that came of it is on its way out
	findsProbe                      // an output that refused records may be tried again
	findsSchema                     // a partition cannot go on without its schema
	findsNothing                    // nothing of all that
	findsDropped                    // the topic was taken away
	findings
)

var findingNames = [findings]string{"refusal", "no partials", "letters", "unplaced", "missing", "clock", "end", "nothing to do", "probe", "schema", "nothing", "dropped"}

func (f finding) String() string { return findingNames[f] }

// next is the phase that follows on a finding. It is an error if that cannot be:
//
//   - A topic that is gone is not looked at.
//   - An output is tried again only after it refused: what is found then is
//     always the refusal first, from which other obstacles may lead away.
//   - What was read to its end stays so as long as its partitions do: the offsets to stop
//     at do not move.
func (p phase) next(f finding) (phase, error) {
	to := [findings]phase{phaseHeld, phasePartials, phaseLetters, phasePlacing, phasePartitions, phaseClock, phaseDraining, phaseDrained, phaseProbing, phaseSchema, phaseRunning, phaseGone}[f]
	switch {
	case p == phaseGone,
		to == phaseProbing && (p == phaseSchema || p == phaseRunning),
		p.atEnd() && (to == phaseProbing || to == phaseSchema || to == phaseRunning):
		return p, fmt.Errorf("BUG: in the phase %q of a topic %q cannot be found", p, f)
	}
	return to, nil
}

// phases sets the phases of sources.
type phases struct {
	topics *catalog
	clock  *ownClock
	fail   func(error) // ends the session
}

// advance looks at a source and takes it to its next phase. It is called whenever
// something of that may have changed; nothing else sets a phase. One that cannot be
// ends the session, as all does that is in doubt.
func (ps *phases) advance(src *source) {
	f, lacks := ps.find(src)
	src.lacks = lacks
	ps.enter(src, f)
}

func (ps *phases) enter(src *source, f finding) {
	before := src.phase
	to, err := before.next(f)
	if err != nil {
		if invariants.Enabled {
			invariants.Violated("%s: %v", src.topic, err)
		}
		ps.fail(fmt.Errorf("topic %s: %w", src.topic, err))
		return
	}
	src.phase = to
	if before.reads() != to.reads() || before.delivers() != to.delivers() {
		src.news = true
	}
	if to == phasePlacing || to == phasePartitions {
		ps.failIfCut(src)
	}
}

// failIfCut ends the session if records behind the offsets to stop at were passed
// over, and others have a part of the topic now: they are not behind an end any more.
func (ps *phases) failIfCut(src *source) {
	if slices.ContainsFunc(slices.Collect(maps.Values(src.parts)), func(p *part) bool { return p.cut }) {
		ps.fail(fmt.Errorf("topic %s, which was read to the end that --stop-at-end asked for, is shared out", src.topic))
	}
}

// find looks at a source: at all the reasons for which it is not read, and at the
// strictest thing that tells where it stands.
func (ps *phases) find(src *source) (f finding, lacks reasons) {
	informed := src.informed()
	lacks = pausedOutput.when(src.hold.waits()) | pausedPartials.when(ps.topics.lacksPartials(src)) |
		pausedLetters.when(src.out.lettersWait) | pausedPartitions.when(!informed) | pausedClock.when(ps.clock.wrong)
	switch {
	case lacks&pausedOutput != 0:
		f = findsRefusal
	case lacks&pausedPartials != 0:
		f = findsNoPartials
	case lacks&pausedLetters != 0:
		f = findsLetters
	case len(src.placement.unplaced) > 0 && (!informed || len(src.parts) == 0):
		f = findsUnplaced
	case !informed:
		f = findsMissing
	case lacks&pausedClock != 0:
		f = findsClock
	case src.finished() && src.hold == nil && src.agent.Open() == 0 && src.agent.Settled():
		f = findsNothingToDo
	case src.finished():
		f = findsEnd
	case src.hold != nil:
		f = findsProbe
	case src.awaitsSchema():
		f = findsSchema
	default:
		f = findsNothing
	}
	return f, lacks
}

// verify checks that the phase of a source is that of what a look at it finds
// now, as far as anything is decided by it; and that its partitions are paused in the
// phases in which they are not read, and in no others.
func (ps *phases) verify(src *source) {
	f, lacks := ps.find(src)
	if now, err := src.phase.next(f); err != nil || now.reads() != src.phase.reads() || now.delivers() != src.phase.delivers() || lacks != src.lacks {
		invariants.Violated("%s: the phase is %q, a look at the topic finds %q (%v), reasons %v and not %v", src.topic, src.phase, f, err, lacks.names(), src.lacks.names())
	}
	if len(src.parts) > 0 && src.phase.reads() != (lacks == 0) {
		invariants.Violated("%s: in the phase %q records are read: %v, though partitions are paused by %v", src.topic, src.phase, src.phase.reads(), lacks.names())
	}
}
