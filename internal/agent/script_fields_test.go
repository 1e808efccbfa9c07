package agent

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
)

// timed sets in which fields of a record its time is; "kafka" is none.
func (w *world) timed(names string) {
	w.set.Stamping = Stamping{Strict: w.set.Stamping.Strict}
	if names == "kafka" {
		return
	}
	w.set.Stamping.Fields = strings.Split(names, ",")
	h := fnv.New64a()
	h.Write([]byte(names))
	w.set.Stamping.ID = h.Sum64()
}

// sourceOf is the source schema of records that have fields with times, in seconds.
func sourceOf(set *Settings) (*codec.Schema, codec.Selection) {
	if set.Stamping.ID == 0 {
		return source, codec.Selection{}
	}
	var sel codec.Selection
	sel.Time.Fields = set.Stamping.Fields
	text := `{"type":"record","name":"r","fields":[`
	for _, name := range set.Stamping.Fields {
		text += `{"name":"` + name + `","type":["null","double"]},`
		p, err := codec.ParsePattern(name)
		if err != nil {
			panic(err)
		}
		sel.Exclude = append(sel.Exclude, p)
	}
	return mustParse(text + `{"name":"x","type":"double"}]}`), sel
}

// fieldsOf reads the values of the fields with times from the arguments of a record. What
// is not said of the first one is the event time that the command has; of others it is null.
func (w *world) fieldsOf(args []string) map[string]string {
	fields := map[string]string{}
	for _, arg := range args {
		if name, value, ok := strings.Cut(arg, "="); ok && (name == "kafka" || slices.Contains(w.set.Stamping.Fields, name)) {
			fields[name] = value
		}
	}
	return fields
}

// body writes a record.
func (w *world) body(r logged) []byte {
	if r.bad {
		return nil
	}
	var b []byte
	for i, name := range w.set.Stamping.Fields {
		value, said := r.fields[name]
		at, err := strconv.ParseFloat(value, 64)
		switch {
		case !said && i == 0:
			at = float64(r.said) / float64(second)
		case !said || value == "null":
			b = append(b, 0)
			continue
		case err != nil:
			w.fail("%v", err)
		}
		b = binary.LittleEndian.AppendUint64(append(b, 2), math.Float64bits(at))
	}
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(r.x))
}
