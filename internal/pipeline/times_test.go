package pipeline

import (
	"errors"
	"slices"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// Which field of a schema has the time, and what is known where none has.
func TestInputTimes(t *testing.T) {
	r := newRig(t)
	schema := record(`at {"type":"long","logicalType":"timestamp-millis"}`, "stamp long", "x double")
	input := func() *Input {
		t.Helper()
		in, err := r.spec().Input(schema)
		if err != nil {
			t.Fatal(err)
		}
		return in
	}
	in := input()
	if clock, err := in.Clock(); clock != nil || err != nil || in.TimeFrom() != "" || len(in.Times) > 0 || in.Untimed != nil || !slices.Equal(in.LikelyTimes(), []string{"stamp", "at"}) {
		t.Errorf("%+v, likely %v, %v", in, in.LikelyTimes(), err)
	}
	if set := r.spec().Settings().Stamping; set.ID != 0 || len(set.Fields) > 0 {
		t.Errorf("%+v", set)
	}
	r.a.EventTime = config.EventTime{Field: "nowhere,at", Scale: "tai", Fallback: "bad"}
	in = input()
	if in.TimeFrom() != "at" || len(in.Times) != 2 || in.Times[0].Reason == "" || in.Untimed != nil {
		t.Errorf("%+v", in)
	}
	if set := r.spec().Settings().Stamping; set.ID == 0 || !slices.Equal(set.Fields, []string{"nowhere", "at"}) || !set.Strict {
		t.Errorf("%+v", set)
	}
	clock, err := in.Clock()
	if err != nil {
		t.Fatal(err)
	}
	const zero = "\x00\x00\x00\x00\x00\x00\x00\x00\x00" // of the other fields
	if ns, from := clock([]byte("\x00" + zero)); ns != 0 || from != "" {
		t.Errorf("%d from %q", ns, from)
	}
	if ns, from := clock([]byte("\x80\xe2\x09" + zero)); ns != 70e9 || from != "at" { // 80 s of TAI are 70 s
		t.Errorf("%d from %q", ns, from)
	}
	if ns, from := clock([]byte("\x80")); ns != 0 || from != "" {
		t.Errorf("%d from %q", ns, from)
	}
	r.a.EventTime = config.EventTime{Field: "stamp"}
	if in = input(); !errors.As(in.Untimed, new(*codec.UnitError)) {
		t.Errorf("%v", in.Untimed)
	}
	r.a.EventTime.Unit = "us"
	if in = input(); in.Untimed != nil || in.TimeFrom() != "stamp" || in.Times[0].Unit != "us" {
		t.Errorf("%+v", in)
	}
}
