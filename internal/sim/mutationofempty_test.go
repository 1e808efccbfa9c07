//go:build synctests

package sim

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// ofEmpty are mutations of empty windows.
var ofEmpty = []mutation{
	{"an empty window is missing", func(rng *rand.Rand, f *facts) bool {
		topic, i := anEmpty(rng, f)
		if topic == "" {
			return false
		}
		f.records[topic] = slices.Delete(f.records[topic], i, i+1)
		return true
	}},
	{"an empty window before the first or behind the newest", func(rng *rand.Rand, f *facts) bool {
		topic, i := anEmpty(rng, f)
		if topic == "" {
			return false
		}
		rs := f.records[topic]
		r, start, size := *rs[i], int64(0), int64(0)
		parts := strings.Split(string(r.Key), "|")
		size, _ = strconv.ParseInt(parts[3], 10, 64)
		add := int64(1)
		from := rs[len(rs)-1]
		if rng.IntN(2) == 0 {
			add, from = -1, rs[0]
		}
		start, _ = strconv.ParseInt(strings.Split(string(from.Key), "|")[2], 10, 64)
		parts[2] = strconv.FormatInt(start+add*size, 10)
		r.Key, r.Timestamp = []byte(strings.Join(parts, "|")), from.Timestamp.Add(time.Duration(add*size)*time.Millisecond)
		if add > 0 {
			f.records[topic] = append(rs, &r)
		} else {
			f.records[topic] = slices.Insert(rs, 0, &r)
		}
		return true
	}},
	{"a window with records says it is empty", of(suffix, func(_ *rand.Rand, r *kgo.Record) bool {
		for i := range r.Headers {
			if h := &r.Headers[i]; h.Key == "source_offsets" && len(h.Value) > 0 {
				h.Value = nil
				return true
			}
		}
		return false
	})},
	{"an empty window says it is of records", func(rng *rand.Rand, f *facts) bool {
		topic, i := anEmpty(rng, f)
		if topic == "" {
			return false
		}
		for k := range f.records[topic][i].Headers {
			if h := &f.records[topic][i].Headers[k]; h.Key == "source_offsets" {
				h.Value = []byte("0:1-2/2")
			}
		}
		return true
	}},
}

// anEmpty picks an empty window.
func anEmpty(rng *rand.Rand, f *facts) (string, int) {
	topic, i := outputs(rng, f, suffix)
	if topic == "" {
		return "", 0
	}
	for n := range f.records[topic] {
		if k := (i + n) % len(f.records[topic]); isEmpty(f.records[topic][k]) {
			return topic, k
		}
	}
	return "", 0
}
