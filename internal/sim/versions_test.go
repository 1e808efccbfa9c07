//go:build synctests

package sim

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Without transactions a window may come out more than once: what a worker has
// written stays when it dies before it commits, or when it was taken for dead
// and another one has its partitions. Each version has to be right by itself.
//
// Two versions may differ, and only by records that are doubtful: whether one
// is late was up to the clock, or what it was refused for has passed. What one
// worker found of it, another that reads it again need not find.

// judged is of how many sets of records all are compared with a wide window.
const judged = 200

// passingTried is of how many records of a partition and window all subsets
// are tried.
const passingTried = 10

// doubtful reports whether a record may or may not be in its window.
func (j *court) doubtful(in *input) bool {
	return in.passing || in.doubt || j.windowEnd(in.ms) <= in.high
}

// versions compares the aggregated topic with what the source topic says, if
// windows may repeat.
func (j *court) versions(topic string, s shape, late map[*input]*letter) {
	want := wantedOf{}
	for _, l := range j.of(topic) {
		for _, in := range l.inputs {
			if !in.acceptable() || j.windowEnd(in.ms) <= in.low {
				continue
			}
			for _, w := range want.of(s, in) {
				if j.doubtful(in) {
					w.doubted = append(w.doubted, in)
				} else {
					w.sure = append(w.sure, in)
				}
			}
		}
	}
	taken := map[*input]bool{} // into a window
	seen := map[*wanted]bool{}
	last := map[*life]int64{}
	outs := j.records[topic+s.suffix]
	for _, r := range outs {
		if r.Partition != outs[0].Partition {
			j.add("%s: windows in more than one partition", topic)
		}
		if isEmpty(r) {
			continue
		}
		k := string(r.Key)
		l := j.lifeOf(topic, r)
		w := want[l][k]
		if w == nil {
			j.add("%s: window %s is of no record that may be accepted", topic, k)
			continue
		}
		if !seen[w] && w.sure != nil {
			if before, ok := last[l]; ok && w.end <= before {
				j.add("%s: window %s comes after a later one", topic, k)
			}
			last[l] = w.end
		}
		if seen[w] {
			j.repeated++
		}
		seen[w] = true
		for _, in := range j.version(s, k, w.end, w.sure, w.doubted, r) {
			taken[in] = true
		}
	}
	j.gaps(topic, s).atLeast(outs, want, seen)
	for l, all := range want {
		for _, k := range slices.Sorted(maps.Keys(all)) {
			w := all[k]
			if l.gone {
				continue
			}
			if !seen[w] && w.sure != nil {
				j.add("%s: window %s of %d records is missing", topic, k, len(w.sure))
			}
			for _, in := range w.doubted {
				if _, isLate := late[in]; !isLate && !in.passing && !taken[in] {
					j.add("%v: is in no version of window %s, and not late", in.place, k)
				}
			}
		}
	}
	j.verdict.windows += len(seen)
}

// version finds the records that a version of a window was computed from, by
// what its header says of each partition, and compares it with them.
func (j *court) version(s shape, key string, end int64, sure, doubted []*input, r *kgo.Record) []*input {
	said := map[int32]string{}
	for _, h := range r.Headers {
		if h.Key == "source_offsets" {
			for _, part := range strings.Fields(string(h.Value)) {
				id, of, _ := strings.Cut(part, ":")
				n, _ := strconv.Atoi(id)
				said[int32(n)] = of
			}
		}
	}
	sets := [][]*input{nil}
	for _, id := range partitionsOf(sure, doubted) {
		var next [][]*input
		all, ok := j.matching(id, said[id], sure, doubted)
		if !ok {
			return doubted
		}
		for _, of := range all {
			for _, set := range sets {
				next = append(next, slices.Concat(set, of))
			}
		}
		sets = next
	}
	var first []string
	var fits []*input // records of several sets may have the same values
	for _, set := range sets {
		if len(set) == 0 {
			continue
		}
		trial := *j
		trial.verdict = &verdict{}
		trial.window(s, key, end, set, r)
		if len(trial.verdict.violations) == 0 {
			switch fits = append(fits, set...); {
			case !s.wide(j):
				return fits
			case len(sets) > judged:
				return append(fits, doubted...)
			}
		}
		if first == nil {
			first = trial.verdict.violations
		}
	}
	if fits != nil {
		return fits
	}
	if first == nil {
		j.add("%s: headers %v, but %d records must be in it and %d may", key, r.Headers, len(sure), len(doubted))
	}
	j.verdict.violations = append(j.verdict.violations, first...)
	return nil
}

// matching gives the sets of a partition's records that a header may mean:
// those that must be in the window, some of those whose refusal may pass, and
// of those that the clock may have made late the first ones, for who reads
// them finds all late that come after the first that is.
// It reports whether these could be found; of wide windows there may be too many.
func (j *court) matching(id int32, said string, sure, doubted []*input) (out [][]*input, ok bool) {
	var inTime, passing []*input
	for _, in := range slices.Concat(sure, doubted) {
		switch {
		case in.partition != id:
		case in.passing, in.doubt:
			passing = append(passing, in)
		default:
			inTime = append(inTime, in)
		}
	}
	byOffset := func(a, b *input) int { return cmp.Compare(a.offset, b.offset) }
	slices.SortFunc(inTime, byOffset)
	if len(passing) > passingTried {
		j.add("%d records of partition %d, from %d on, may have been refused or not: more than can be judged", len(passing), id, passing[0].offset)
		return nil, true
	}
	sets, ok := j.firsts(inTime)
	for _, some := range sets {
		for bits := range 1 << len(passing) {
			set := slices.Clone(some)
			for i, in := range passing {
				if bits&(1<<i) != 0 {
					set = append(set, in)
				}
			}
			slices.SortFunc(set, byOffset)
			text := ""
			if n := len(set); n > 0 {
				text = fmt.Sprintf("%d-%d/%d", set[0].offset, set[n-1].offset, n)
			}
			if text == said {
				out = append(out, set)
			}
		}
	}
	return out, ok
}

// firsts are the sets of the first records of each slice, of those that are not
// sure to be in time. inTime is in order of offsets.
func (j *court) firsts(inTime []*input) (sets [][]*input, ok bool) {
	slice := map[int64][]*input{}
	for _, in := range inTime {
		end := j.windowEnd(in.ms)
		slice[end] = append(slice[end], in)
	}
	sets = [][]*input{nil}
	for _, end := range slices.Sorted(maps.Keys(slice)) {
		var next [][]*input
		for n := 0; n <= len(slice[end]); n++ {
			if n < len(slice[end]) && !j.doubtful(slice[end][n]) {
				continue
			}
			for _, set := range sets {
				next = append(next, slices.Concat(set, slice[end][:n]))
			}
		}
		if sets = next; len(sets) > 20_000 {
			return nil, false
		}
	}
	return sets, true
}

func partitionsOf(lists ...[]*input) []int32 {
	ids := map[int32]bool{}
	for _, in := range slices.Concat(lists...) {
		ids[in.partition] = true
	}
	return slices.Sorted(maps.Keys(ids))
}
