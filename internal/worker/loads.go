package worker

import (
	"encoding/binary"
	"maps"
	"slices"
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

func encodeTopics(topics []string) []byte {
	b := []byte{userDataVersion}
	for _, t := range topics {
		b = appendName(b, t)
	}
	return b
}

func decodeTopics(b []byte) (topics []string) {
	r := userData(b)
	for r.begin(); len(r) > 0; {
		topics = append(topics, r.name())
	}
	return topics
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
