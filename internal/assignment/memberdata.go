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

// encodeLoads: for each topic its name, the number of partitions, and for each
// of these its number and its load in bytes/s.
func encodeLoads(loads map[string]map[int32]float64) []byte {
	b := []byte{userDataVersion}
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

// decodeLoads reads as much as is well-formed.
func decodeLoads(b []byte) map[string]map[int32]float64 {
	loads := map[string]map[int32]float64{}
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
		loads[topic] = parts
	}
	return loads
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

// A topic's name has no slash: members that know nothing of what follows one
// take it for a topic that they do not have.
const basisMark = "/"

// encodeShares: the names of the topics that are shared out, and what the
// assignment rests on.
func encodeShares(shared []string, b Basis) []byte {
	out := []byte{userDataVersion}
	for _, t := range shared {
		out = appendName(out, t)
	}
	return appendName(out, basisMark+strconv.FormatUint(uint64(b), 16))
}

// decodeShares reads as much as is well-formed; an older leader does not say
// what its assignment rests on.
func decodeShares(user []byte) (shared []string, b Basis, known bool) {
	r := userData(user)
	for r.begin(); len(r) > 0; {
		name := r.name()
		if text, ok := strings.CutPrefix(name, basisMark); ok {
			v, err := strconv.ParseUint(text, 16, 64)
			b, known = Basis(v), err == nil
		} else if name != "" {
			shared = append(shared, name)
		}
	}
	return shared, b, known
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
