//go:build synctests

package sim

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// Producers of some topics name the schemas of some of their records in other ways than by
// the prefix. What these mean is written down here once more, without a look at how the
// aggregator does it.

// names are by what else than its id a schema can be named.
type names struct {
	guid  [16]byte
	print [8]byte // in the order of a record
}

// namesOf finds the names of a schema that is registered.
func (w *world) namesOf(subject string, version int) names {
	s, ok := w.registry.Schemas.GetSchema(subject, version)
	text, err := hex.DecodeString(strings.ReplaceAll(s.GUID, "-", ""))
	if !ok || err != nil || len(text) != 16 {
		panic(fmt.Sprintf("sim: %s version %d has the GUID %q", subject, version, s.GUID))
	}
	n := names{guid: [16]byte(text)}
	h := avro.NewRabin()
	h.Write(avro.MustParse(s.Schema.Schema).Canonical())
	binary.LittleEndian.PutUint64(n.print[:], h.Sum64())
	return n
}

// glueVersion is the schema version in AWS Glue that an id has.
func glueVersion(id int) (v [16]byte) {
	binary.BigEndian.PutUint32(v[12:], uint32(id))
	v[0] = 0xab
	return v
}

// framing is the configuration for it.
func (w *world) framing() (f config.Framing) {
	if !w.plan.framed() {
		return f
	}
	f.SingleObject = true
	f.Glue.Schemas = map[string]string{}
	for i, pair := range w.families {
		f.Subjects = append(f.Subjects, familySubject(i))
		for _, g := range pair {
			v := glueVersion(g.id)
			f.Glue.Schemas[fmt.Sprintf("%x-%x-%x-%x-%x", v[:4], v[4:6], v[6:8], v[8:10], v[10:])] = strconv.Itoa(g.id)
		}
	}
	return f
}

func familySubject(i int) string { return fmt.Sprintf("family-%d", i) }

// framed reports whether there are such topics.
func (p *plan) framed() bool {
	return slices.ContainsFunc(p.topics, func(t topicPlan) bool { return t.framed > 0 })
}

// drawFramings gives some topics such producers.
func (p *plan) drawFramings(rng *rand.Rand) {
	for i := range p.topics {
		t := &p.topics[i]
		t.framed = choose(rng, 0, 0, 0, 0.2, 0.8)
		if forced("framings") {
			t.framed = 0.8
		}
		if t.again != nil {
			t.again.topic.framed = t.framed
		}
	}
}

const schemaHeader = "__value_schema_id"

// reframe has some records name their schema otherwise, a few of them in a way that
// nobody understands.
func (t *traffic) reframe(r *kgo.Record) {
	if t.frames.Float64() >= t.framed || len(r.Value) < 5 || r.Value[0] != 0 {
		return
	}
	id, data := int(binary.BigEndian.Uint32(r.Value[1:])), r.Value[5:]
	how := t.frames.IntN(24)
	n, known := t.names[id]
	if !known && how >= 4 && how < 20 {
		how %= 4 // its id is all that there is
	}
	header := func(b ...byte) {
		r.Headers, r.Value = append(r.Headers, kgo.RecordHeader{Key: schemaHeader, Value: append([]byte{}, b...)}), data
	}
	switch {
	case how < 4:
		header(r.Value[:5]...)
	case how < 8:
		header(append([]byte{1}, n.guid[:]...)...)
	case how < 12:
		r.Value = slices.Concat([]byte{0xc3, 1}, n.print[:], data)
	case how < 16:
		v := glueVersion(id)
		r.Value = slices.Concat([]byte{3, 0}, v[:], data)
	case how < 20:
		v := glueVersion(id)
		b := bytes.NewBuffer(append([]byte{3, 5}, v[:]...))
		z := zlib.NewWriter(b)
		_, _ = z.Write(data)
		_ = z.Close()
		r.Value = b.Bytes()
		if t.frames.IntN(20) == 0 {
			r.Value = r.Value[:len(r.Value)-1]
		}
	case how == 20:
		header()
	case how == 21:
		header(r.Value[:1+t.frames.IntN(4)]...)
	case how == 22:
		header(append([]byte{1}, make([]byte, 16)...)...) // nobody has it
	default:
		r.Value = append([]byte{3, 0}, make([]byte, 16)...)
	}
}

// unframe gives the id of the schema of a record and its data, or says why that is not
// known.
func (j *court) unframe(r *kgo.Record) (id int, data []byte, why string) {
	v := r.Value
	for _, h := range slices.Backward(r.Headers) {
		switch {
		case h.Key != schemaHeader:
			continue
		case len(h.Value) == 5 && h.Value[0] == 0:
			return int(binary.BigEndian.Uint32(h.Value[1:])), v, ""
		case len(h.Value) == 17 && h.Value[0] == 1:
			for id, n := range j.names {
				if bytes.Equal(n.guid[:], h.Value[1:]) {
					return id, v, ""
				}
			}
			return 0, nil, "unknown GUID"
		}
		return 0, nil, "bad header"
	}
	switch {
	case len(v) >= 5 && v[0] == 0:
		return int(binary.BigEndian.Uint32(v[1:])), v[5:], ""
	case !j.plan.framed():
	case len(v) >= 10 && v[0] == 0xc3 && v[1] == 1:
		for id, n := range j.names {
			if bytes.Equal(n.print[:], v[2:10]) {
				return id, v[10:], ""
			}
		}
		return 0, nil, "unknown fingerprint"
	case len(v) >= 18 && v[0] == 3 && (v[1] == 0 || v[1] == 5):
		for id := range j.names {
			if glueVersion(id) != [16]byte(v[2:18]) {
				continue
			}
			if v[1] == 0 {
				return id, v[18:], ""
			}
			z, err := zlib.NewReader(bytes.NewReader(v[18:]))
			if err != nil {
				return 0, nil, "bad compression"
			}
			if data, err = io.ReadAll(z); err != nil {
				return 0, nil, "bad compression"
			}
			return id, data, ""
		}
	}
	return 0, nil, "no framing"
}
