package assignment

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// What members of the group tell each other beside the protocol of consumers:
// a byte with the version, then names with a length before them, and varints.
const userDataVersion = 2

// A topic's name has no slash: members that know nothing of what follows one
// take it for a topic that they do not have, here without partitions.
const (
	basisMark = "/"
	setupMark = "/setup "
)

// Setup is how some members of the group are set up: a text without blanks that is
// the same for members whose configurations say the same.
type Setup struct {
	Text    string
	Count   int      // of the members
	Members []string // the first of them by name
}

// Bounds of what is told of setups: it goes to each member.
const (
	maxSetups  = 4
	maxMembers = 3
)

// encodeLoads: how the member is set up; for each topic its name, the number of
// partitions, and for each of these its number and its load in bytes/s.
func encodeLoads(setup string, loads map[string]map[int32]float64) []byte {
	b := []byte{userDataVersion}
	if setup != "" {
		b = binary.AppendUvarint(appendName(b, setupMark+setup), 0)
	}
	for _, t := range slices.Sorted(maps.Keys(loads)) {
		b = appendName(b, t)
		b = binary.AppendUvarint(b, uint64(len(loads[t])))
		for _, id := range slices.Sorted(maps.Keys(loads[t])) {
			b = binary.AppendUvarint(b, uint64(id))
			b = binary.AppendUvarint(b, uint64(max(0, loads[t][id])))
		}
	}
	return b
}

// decodeLoads reads as much as is well-formed. An older member does not say how it
// is set up.
func decodeLoads(b []byte) (setup string, loads map[string]map[int32]float64) {
	loads = map[string]map[int32]float64{}
	r := userData(b)
	for r.begin(); len(r) > 0; {
		topic := r.name()
		parts := map[int32]float64{}
		for range r.uint(uint64(len(r))) {
			id := int32(r.uint(1<<31 - 1))
			parts[id] = float64(r.uint(1 << 62))
		}
		if r == nil {
			break
		}
		if text, ok := strings.CutPrefix(topic, setupMark); ok {
			setup = text
			continue
		}
		loads[topic] = parts
	}
	return setup, loads
}

// Basis is what an assignment rests on: how many partitions each topic had
// for the leader of the group.
type Basis uint64

// BasisOf is that of topics with their numbers of partitions, in any order.
func BasisOf(partitions iter.Seq2[string, int]) Basis {
	var sum Basis // of all topics, in any order
	for topic, n := range partitions {
		h := fnv.New64a()
		fmt.Fprintf(h, "%s/%d", topic, n)
		sum += Basis(h.Sum64())
	}
	return sum
}

// encodeShares: the names of the topics that are shared out, how members are set up, and
// what the assignment rests on.
func encodeShares(shared []string, setups []Setup, b Basis) []byte {
	out := []byte{userDataVersion}
	for _, t := range shared {
		out = appendName(out, t)
	}
	for _, s := range setups[:min(len(setups), maxSetups)] {
		out = appendName(out, fmt.Sprintf("%s%s %d %s", setupMark, s.Text, s.Count, strings.Join(s.Members[:min(len(s.Members), maxMembers)], " ")))
	}
	return appendName(out, basisMark+strconv.FormatUint(uint64(b), 16)) // last: older members take the last one for it
}

// decodeShares reads as much as is well-formed; an older leader does not say
// what its assignment rests on.
func decodeShares(user []byte) (a Assigned) {
	r := userData(user)
	for r.begin(); len(r) > 0; {
		name := r.name()
		if text, ok := strings.CutPrefix(name, setupMark); ok {
			if f := strings.Fields(text); len(f) > 1 {
				n, _ := strconv.Atoi(f[1])
				a.Setups = append(a.Setups, Setup{Text: f[0], Count: n, Members: f[2:]})
			}
		} else if text, ok := strings.CutPrefix(name, basisMark); ok {
			v, err := strconv.ParseUint(text, 16, 64)
			a.Basis, a.Known = Basis(v), err == nil
		} else if name != "" {
			a.Shared = append(a.Shared, name)
		}
	}
	return a
}

// Knows reports whether the leader knew of a member that is set up so, or does not say.
func (a *Assigned) Knows(setup string) bool {
	return len(a.Setups) == 0 || len(a.Setups) == maxSetups || slices.ContainsFunc(a.Setups, func(s Setup) bool { return s.Text == setup })
}

// setupsOf are those of members by their names, the most frequent one first.
func setupsOf(members map[string]string) []Setup {
	by := map[string]*Setup{}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		text := members[name]
		if text == "" { // of an older version
			continue
		}
		if by[text] == nil {
			by[text] = &Setup{Text: text}
		}
		s := by[text]
		s.Count++
		s.Members = append(s.Members, strings.Join(strings.Fields(name), "_"))
	}
	var list []Setup
	for _, text := range slices.Sorted(maps.Keys(by)) {
		list = append(list, *by[text])
	}
	slices.SortStableFunc(list, func(a, b Setup) int { return b.Count - a.Count })
	return list
}

func appendName(b []byte, name string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(name))), name...)
}

// userData is what is left to be read; nil after something malformed.
type userData []byte

func (r *userData) begin() {
	if len(*r) == 0 || (*r)[0] != userDataVersion {
		*r = nil
		return
	}
	*r = (*r)[1:]
}

func (r *userData) uint(limit uint64) uint64 {
	v, n := binary.Uvarint(*r)
	if n <= 0 || v > limit {
		*r = nil
		return 0
	}
	*r = (*r)[n:]
	return v
}

func (r *userData) name() string {
	n := r.uint(uint64(len(*r)))
	if n > uint64(len(*r)) {
		*r = nil
		return ""
	}
	name := string((*r)[:n])
	*r = (*r)[n:]
	return name
}
