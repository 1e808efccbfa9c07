package agent

import (
	"math"
	"strings"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/eventtime"
	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

func fieldsRig(t *testing.T, strict bool) (*rig, Settings) {
	set := Settings{Grid: window.TumblingGrid(1000 * second), Grace: 1000 * second, MaxFutureSkew: 10 * second, Stamping: Stamping{ID: 7, Fields: []string{"a", "b"}, Strict: strict}}
	return rigOf(t, set, 1, "sum"), set
}

// What is counted of fields without a time, and that it is not counted again.
func TestStampsAreCounted(t *testing.T) {
	nan := math.NaN()
	r, set := fieldsRig(t, false)
	p := r.agent.Assign(0, 0, Fresh(0))
	const day = 86400.0
	records := []stampedRecord{
		{1, 500, nan}, {1, nan, 500}, {1, 0, 500}, {1, -1, 500}, {1, 511, 500}, {1, 1e300, 500},
		{400 * second, nan, nan}, {400 * second, nan, 600}, {NoTime, nan, 0}, {1, 500, 400},
	}
	wantTimes := []int64{500, 500, 500, 500, 500, 500, 400, 400, NoTime, 500}
	for o, rec := range records {
		v, err := p.Add(int64(o), 0, rec.kafka, 500*second, &Plan{Decoder: r.decoder}, rec.body())
		want := wantTimes[o]
		if want != NoTime {
			want *= second
		}
		if p.Time() != want || (v == Bad) != (want == NoTime) || (err != nil) != (v == Bad) {
			t.Errorf("record %d: time %d, verdict %d, %v; want %d", o, p.Time(), v, err, want)
		}
		if v == Bad && err.Error() != "it has no time: a is null, b is zero, and its timestamp in Kafka is none that can be used" {
			t.Error(err)
		}
	}
	want := Stamps{Fallback: 3}
	want.PassedOver[eventtime.Null] = 1 + 2 + 1 + 1
	want.PassedOver[eventtime.Zero] = 1 + 1
	want.PassedOver[eventtime.Past] = 1
	want.PassedOver[eventtime.Future] = 2 + 1
	if p.Counts.Stamps != want {
		t.Errorf("%+v, want %+v", p.Counts.Stamps, want)
	}
	if got := want.Plus(want).Sub(want); got != want {
		t.Errorf("%+v", got)
	}
	_, _, c := p.Low()
	again := rigOf(t, set, 1, "sum")
	q := again.agent.Assign(0, 0, c)
	for o, rec := range records {
		if _, err := q.Add(int64(o), 0, rec.kafka, 5000*second, &Plan{Decoder: again.decoder}, rec.body()); err != nil && o != 8 {
			t.Error(err)
		}
		if want := wantTimes[o]; want != NoTime && q.Time() != want*second {
			t.Errorf("record %d: time %d when it is read again", o, q.Time())
		}
	}
	if q.Counts.Stamps != (Stamps{}) {
		t.Errorf("read again: %+v", q.Counts.Stamps)
	}

	r, _ = fieldsRig(t, true)
	p = r.agent.Assign(0, 0, Fresh(0))
	for o, rec := range []stampedRecord{{1, 500, 500 - day}, {1, 500, 500 + 5}, {1, 500 - day - 1, 500}, {1, 1e300, 500}} {
		rec.a, rec.b = rec.a+2*day, rec.b+2*day
		if _, err := p.Add(int64(o), 0, rec.kafka, int64(500+2*day)*second, &Plan{Decoder: r.decoder}, rec.body()); err != nil {
			t.Error(err)
		}
	}
	if p.Counts.Stamps.Apart != 1 {
		t.Errorf("%d are apart", p.Counts.Stamps.Apart)
	}
	if v, err := p.Add(9, 0, 1, 500*second, &Plan{Decoder: r.decoder}, stampedRecord{1, math.NaN(), math.Inf(1)}.body()); v != Bad || !strings.Contains(err.Error(), "a is null, b is future") {
		t.Errorf("%d, %v", v, err)
	}
}

// More records with a field that is passed over than a checkpoint has room for: those which
// are not noted have a time there that is later than any that was taken.
func TestManyTimesAhead(t *testing.T) {
	r, set := fieldsRig(t, false)
	p := r.agent.Assign(0, 0, Fresh(0))
	var records []stampedRecord
	for o := range 10 * maxChoices {
		rec := stampedRecord{1, 400 + float64(o%50), math.NaN()}
		if o%2 == 0 {
			rec.a, rec.b = 600+float64(o%7), 450
		}
		records = append(records, rec)
	}
	var want []int64
	for o, rec := range records {
		if _, err := p.Add(int64(o), 0, rec.kafka, 500*second, &Plan{Decoder: r.decoder}, rec.body()); err != nil {
			t.Fatal(err)
		}
		want = append(want, p.Time())
	}
	_, _, c := p.Low()
	c, err := DecodeCheckpoint(c.Encode())
	if err != nil || len(c.ahead) == 0 || len(c.ahead) > maxChoices {
		t.Fatalf("%d are noted, %v", len(c.ahead), err)
	}
	again := rigOf(t, set, 1, "sum")
	q := again.agent.Assign(0, 0, c)
	for o, rec := range records {
		if _, err := q.Add(int64(o), 0, rec.kafka, 5000*second, &Plan{Decoder: again.decoder}, rec.body()); err != nil || q.Time() != want[o] {
			t.Fatalf("record %d: time %d, was %d, %v", o, q.Time(), want[o], err)
		}
	}
}
