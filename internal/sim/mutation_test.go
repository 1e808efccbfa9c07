//go:build synctests

package sim

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// mutation changes one output or one committed offset; it reports whether it
// could. The facts are a copy down to the records' headers.
type mutation struct {
	name string
	do   func(rng *rand.Rand, f *facts) bool
}

// doubled is the mutation that is none at least once.
const doubled = "double"

// outputs picks a topic that the workers wrote, and a record of it.
func outputs(rng *rand.Rand, f *facts, only string) (string, int) {
	var topics []string
	for topic, rs := range f.records {
		if len(rs) > 0 && (topic == lateTopic || topic == deadTopic || strings.HasSuffix(topic, suffix)) && strings.HasSuffix(topic, only) {
			topics = append(topics, topic)
		}
	}
	if len(topics) == 0 {
		return "", 0
	}
	slices.Sort(topics)
	topic := topics[rng.IntN(len(topics))]
	return topic, rng.IntN(len(f.records[topic]))
}

// of makes a mutation of one record.
func of(only string, do func(rng *rand.Rand, r *kgo.Record) bool) func(*rand.Rand, *facts) bool {
	return func(rng *rand.Rand, f *facts) bool {
		topic, i := outputs(rng, f, only)
		return topic != "" && do(rng, f.records[topic][i])
	}
}

// withSource makes a mutation of the source topics, as if the workers had
// read something else.
func withSource(do func(rng *rand.Rand, rs []*kgo.Record) []*kgo.Record) func(*rand.Rand, *facts) bool {
	return func(rng *rand.Rand, f *facts) bool {
		t := f.plan.topics[rng.IntN(len(f.plan.topics))]
		rs := f.records[t.name]
		if len(rs) == 0 {
			return false
		}
		rs = do(rng, rs)
		f.records[t.name] = rs
		return rs != nil
	}
}

var mutations = []mutation{
	{"drop", func(rng *rand.Rand, f *facts) bool {
		topic, i := outputs(rng, f, "")
		if topic == "" {
			return false
		}
		f.records[topic] = slices.Delete(f.records[topic], i, i+1)
		return true
	}},
	{doubled, func(rng *rand.Rand, f *facts) bool {
		topic, i := outputs(rng, f, "")
		if topic == "" {
			return false
		}
		f.records[topic] = append(f.records[topic], f.records[topic][i])
		return true
	}},
	{"swap the order of two windows", func(rng *rand.Rand, f *facts) bool {
		topic, i := outputs(rng, f, suffix)
		if topic == "" || i == 0 {
			return false
		}
		rs := f.records[topic]
		rs[i-1], rs[i] = rs[i], rs[i-1]
		return true
	}},
	{"swap the values of two windows", func(rng *rand.Rand, f *facts) bool {
		topic, i := outputs(rng, f, suffix)
		if topic == "" || i == 0 {
			return false
		}
		a, b := f.records[topic][i-1], f.records[topic][i]
		a.Value, b.Value = b.Value, a.Value
		return true
	}},
	{"swap the headers of two records", func(rng *rand.Rand, f *facts) bool {
		topic, i := outputs(rng, f, "")
		if topic == "" || i == 0 {
			return false
		}
		a, b := f.records[topic][i-1], f.records[topic][i]
		a.Headers, b.Headers = b.Headers, a.Headers
		same := isEmpty(a) && isEmpty(b) || bytes.Equal(a.Key, b.Key) && bytes.Equal(a.Value, b.Value) // letters that have nothing else
		return !same
	}},
	{"shift a window", of(suffix, func(rng *rand.Rand, r *kgo.Record) bool {
		parts := strings.Split(string(r.Key), "|")
		start, _ := strconv.ParseInt(parts[2], 10, 64)
		size, _ := strconv.ParseInt(parts[3], 10, 64)
		parts[2] = strconv.FormatInt(start+size*int64(1-2*rng.IntN(2)), 10)
		r.Key = []byte(strings.Join(parts, "|"))
		return true
	})},
	{"stamp a window anew", of(suffix, func(rng *rand.Rand, r *kgo.Record) bool {
		r.Timestamp = r.Timestamp.Add(time.Duration(1+rng.IntN(5000)) * time.Millisecond)
		return true
	})},
	{"move to another partition", func(rng *rand.Rand, f *facts) bool {
		topic, i := outputs(rng, f, suffix)
		if topic == "" || i == 0 {
			return false
		}
		f.records[topic][i].Partition++
		return true
	}},
	{"change a value", func(rng *rand.Rand, f *facts) bool {
		topic, i := outputs(rng, f, suffix)
		return topic != "" && changeValue(rng, f, f.records[topic][i])
	}},
	{"flip a bit", of("", func(rng *rand.Rand, r *kgo.Record) bool {
		if len(r.Value) == 0 {
			return false
		}
		// Not in the schema's id: several may be right.
		at := rng.IntN(len(r.Value))
		if at > 0 && at < 5 {
			at = 0
		}
		r.Value[at] ^= 1 << rng.IntN(8)
		return true
	})},
	{"cut off a byte", of("", func(_ *rand.Rand, r *kgo.Record) bool {
		if len(r.Value) == 0 {
			return false
		}
		r.Value = r.Value[:len(r.Value)-1]
		return true
	})},
	{"change a number in a header", of("", func(rng *rand.Rand, r *kgo.Record) bool {
		h := &r.Headers[rng.IntN(len(r.Headers))]
		i := bytes.LastIndexAny(h.Value, "0123456789")
		if i < 0 || h.Key == "error" {
			return false
		}
		h.Value[i] = '0' + (h.Value[i]-'0'+1+byte(rng.IntN(9)))%10
		return true
	})},
	{"lose a header", of("", func(rng *rand.Rand, r *kgo.Record) bool {
		i := rng.IntN(len(r.Headers))
		r.Headers = slices.Delete(r.Headers, i, i+1)
		return true
	})},
	{"tell a late record from another one's window", of(lateTopic, func(_ *rand.Rand, r *kgo.Record) bool {
		for i := range r.Headers {
			if r.Headers[i].Key == "window" {
				r.Headers[i].Value = append(r.Headers[i].Value, '0')
				return true
			}
		}
		return false
	})},
	{"put a dead letter among the late ones", func(rng *rand.Rand, f *facts) bool {
		if len(f.records[deadTopic]) == 0 {
			return false
		}
		i := rng.IntN(len(f.records[deadTopic]))
		r := f.records[deadTopic][i]
		f.records[deadTopic] = slices.Delete(f.records[deadTopic], i, i+1)
		f.records[lateTopic] = append(f.records[lateTopic], r)
		return true
	}},
	{"a source record that nobody read", withSource(func(rng *rand.Rand, rs []*kgo.Record) []*kgo.Record {
		i := rng.IntN(len(rs))
		if rs[i].Value == nil {
			return nil // it leaves no trace but in the counts of checkpoints
		}
		r := *rs[i]
		r.Offset = rs[len(rs)-1].Offset + 1
		r.Partition = rs[len(rs)-1].Partition
		return append(rs, &r)
	})},
	{"a source record moved over the edge of its window", func(rng *rand.Rand, f *facts) bool {
		t := f.plan.topics[rng.IntN(len(f.plan.topics))]
		rs := f.records[t.name]
		if len(rs) == 0 {
			return false
		}
		r := rs[rng.IntN(len(rs))]
		r.Timestamp = r.Timestamp.Add(f.plan.size * time.Duration(1-2*rng.IntN(2)))
		return r.Value != nil
	}},
	{"an offset committed too low", func(rng *rand.Rand, f *facts) bool { return moveCommit(rng, f, -1) }},
	{"an offset committed too high", func(rng *rand.Rand, f *facts) bool { return moveCommit(rng, f, 1) }},
}

// moveCommit moves a committed offset over a record.
func moveCommit(rng *rand.Rand, f *facts, by int64) bool {
	if len(f.samples) == 0 {
		return false
	}
	s := &f.samples[rng.IntN(len(f.samples))]
	low := min(s.offset, s.offset+by)
	there := slices.ContainsFunc(f.records[s.topic], func(r *kgo.Record) bool { return r.Partition == s.partition && r.Offset == low })
	s.offset += by
	return there
}

// changeValue changes one number of an aggregated record by the least that
// can be.
func changeValue(rng *rand.Rand, f *facts, r *kgo.Record) bool {
	text := f.schemas[int(binary.BigEndian.Uint32(r.Value[1:]))]
	s := avro.MustParse(text)
	var native any
	if _, err := s.Decode(r.Value[5:], &native); err != nil {
		return false
	}
	record := native.(map[string]any)
	var names []string
	for name, v := range record {
		switch v.(type) {
		case float64, int64:
			names = append(names, name)
		}
	}
	slices.Sort(names)
	name := names[rng.IntN(len(names))]
	switch v := record[name].(type) {
	case int64:
		record[name] = v + 1
	case float64:
		record[name] = math.Nextafter(v, math.Inf(1-2*rng.IntN(2)))
	}
	b, err := s.AppendEncode(slices.Clone(r.Value[:5]), record)
	if err != nil || bytes.Equal(b, r.Value) {
		return false
	}
	r.Value = b
	return true
}

// copyFacts copies what mutations may change.
func copyFacts(f *facts) *facts {
	c := *f
	c.records = map[string][]*kgo.Record{}
	for topic, rs := range f.records {
		for _, r := range rs {
			x := *r
			x.Key, x.Value, x.Headers = bytes.Clone(r.Key), bytes.Clone(r.Value), slices.Clone(r.Headers)
			for i := range x.Headers {
				x.Headers[i].Value = bytes.Clone(x.Headers[i].Value)
			}
			c.records[topic] = append(c.records[topic], &x)
		}
	}
	c.samples = slices.Clone(f.samples)
	return &c
}

// TestOracle mutates what workers have written in a thousand ways, of either
// delivery. The oracle has to see at least 99 of 100, and nothing wrong in what
// was not mutated.
func TestOracle(t *testing.T) {
	for _, delivery := range []string{config.ExactlyOnce, config.AtLeastOnce} {
		t.Run(delivery, func(t *testing.T) { mutate(t, delivery == config.AtLeastOnce) })
	}
}

func mutate(t *testing.T, repeats bool) {
	const mutants, seeds = 1000, 5
	mutations := slices.Concat(mutations, ofEmpty)
	rng := rand.New(rand.NewPCG(1, 1))
	missed := map[string]int{}
	n, found := 0, 0
	for seed := uint64(1); seed <= seeds; seed++ {
		p := newPlan(seed)
		p.repeats = repeats
		p.topics = p.topics[:min(2, len(p.topics))] // the judge is called often
		p.faults, p.length = nil, 25*time.Second
		p.empty, p.emptyOfSome = slices.Repeat([]bool{true}, len(p.shapes())), false
		silence := time.Minute
		if repeats { // longer, and it is the clock that says what is late, at every restart another thing
			silence = p.idle - 500*time.Millisecond
		}
		for i := range p.topics {
			p.topics[i].again = nil // windows of a topic that was deleted need not be there
			p.topics[i].gaps = append(p.topics[i].gaps, gap{partition: -1, from: 8 * time.Second, to: 8*time.Second + min(3*p.size, silence)})
		}
		if repeats { // of uploads to several partitions, and where clocks disagree, windows may come in any order then
			for i := range p.topics {
				p.topics[i].upload, p.topics[i].clocks = 0, nil
			}
		}
		var f *facts
		synctest.Test(t, func(t *testing.T) { f = simulate(t, p, &log{}) })
		if v := judge(f); len(v.violations) > 0 {
			t.Fatalf("seed %d without mutation: %v", seed, v.violations)
		}
		for i := 0; i < mutants/seeds; {
			m := mutations[rng.IntN(len(mutations))]
			c := copyFacts(f)
			if repeats && m.name == doubled || !m.do(rng, c) {
				continue
			}
			i++
			n++
			if len(judge(c).violations) > 0 {
				found++
			} else {
				missed[m.name]++
			}
		}
	}
	t.Logf("%d of %d mutants found, missed: %v", found, n, missed)
	if found*100 < n*99 {
		t.Errorf("only %d of %d mutants found", found, n)
	}
}
