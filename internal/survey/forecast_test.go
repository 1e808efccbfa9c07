package survey

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/cluster"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// TestForecast: lengths of arrays come from records, limits from topics that are
// there, and brokers judge those that are not.
func TestForecast(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.topic("s-1", 1, nil)
	b.topic("s-2", 1, nil)
	b.topic("s-1-aggregated", 1, map[string]string{"max.message.bytes": "250", "retention.ms": "3600000"})
	long := time.Now().Add(-48 * time.Hour).Truncate(time.Millisecond).UTC()
	for _, name := range []string{"s-1", "s-2"} {
		id := b.schema(name+"-value", withArrays)
		b.record(name, long, id, withArrays, `{"x":1,"forces":[1,2,3]}`)
		b.record(name, long.Add(time.Second), id, withArrays, `{"x":1,"forces":[]}`)
	}
	of := b.connect(b.box.RegistryURL, all)
	s, err := Look(t.Context(), of)
	must(t, err)
	f, err := s.Forecast(t.Context(), of, 0)
	must(t, err)
	first, second := s.Agents[0], s.Agents[1]

	l := f.Loads[first]
	if !l.Sampled || !math.IsNaN(l.In.PerSecond) || !math.IsNaN(l.Records) || l.Again != 2*time.Second {
		t.Errorf("%+v", l)
	}
	without := first.Load(cluster.Rate{}, nil)
	if d := l.RecordSize - without.RecordSize; without.Sampled || d < 2*3*8 || d > 2*3*8+8 { // mean and max of 3 elements
		t.Errorf("arrays make a record %d bytes larger", d)
	}

	o := f.Outputs[first]
	if o.Created != nil || !o.Known || o.Limits.MaxMessageBytes != 250 || o.Limits.Retention != time.Hour {
		t.Errorf("%+v", o)
	}
	var kinds []Kind
	for _, w := range f.Warnings[first] {
		kinds = append(kinds, w.Kind)
		if w.Topic != "s-1-aggregated" || w.Missing || w.Kind == Expiring && !w.Oldest.Equal(long) {
			t.Errorf("%+v", w)
		}
	}
	if !reflect.DeepEqual(kinds, []Kind{TooLarge, Expiring}) {
		t.Errorf("warnings: %v", kinds)
	}
	if o := f.Outputs[second]; o.Created["message.timestamp.type"] != "CreateTime" || len(f.Warnings[second]) != 0 {
		t.Errorf("%+v, %v", o, f.Warnings[second])
	}
}

// What brokers would refuse to create is the problem of that topic.
func TestTopicThatCannotBeCreated(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.topic("s.1", 1, nil)
	b.topic("s_1-aggregated", 1, nil)
	b.schema("s.1-value", withX)
	of := b.connect(b.box.RegistryURL, func(c *config.Config) { c.Aggregations[0].Topics.Include = []string{`^s\.1$`} })
	s, err := Look(t.Context(), of)
	must(t, err)
	if clashes := s.Clashes(); len(clashes) != 1 || clashes[0].Record != "" || strings.Join(clashes[0].Topics, " ") != "s.1-aggregated s_1-aggregated" {
		t.Errorf("%+v", clashes)
	}
	if s.Agents[0].Problem != "" {
		t.Error(s.Agents[0].Problem)
	}
	_, err = s.Forecast(t.Context(), of, 0)
	must(t, err)
	if p := s.Agents[0].Problem; !strings.HasPrefix(p, "topic s.1-aggregated would not be created: ") {
		t.Errorf("problem %q", p)
	}
}

// The rate in and the lengths of arrays give all of a load.
func TestLoad(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.topic("s-1", 1, nil)
	b.schema("s-1-value", withArrays)
	s, err := Look(t.Context(), b.connect(b.box.RegistryURL, all))
	must(t, err)
	a := s.Agents[0]
	// Windows of 1 s, grace 1 s; 1 + 3 values; 2 operations.
	l := a.Load(cluster.Rate{PerSecond: 100, How: "said"}, []int{0, 3})
	if l.Records != 1 || l.Reduction != 50 || l.State != 100*2*8*4 || !l.Sampled || a.Values([]int{0, 3}) != 4 || a.Values(nil) != 1 {
		t.Errorf("%+v, %d values", l, a.Values([]int{0, 3}))
	}
	if l := a.Load(cluster.Rate{PerSecond: 0.25, How: "said"}, nil); l.Records != 0.25 || l.Sampled { // most windows are empty
		t.Errorf("%+v", l)
	}
	a.Output.EmitEmpty = true
	for in, out := range map[float64]float64{0: 0, 0.25: 1, 100: 1} {
		if l := a.Load(cluster.Rate{PerSecond: in, How: "said"}, nil); l.Records != out {
			t.Errorf("with empty windows: of %g records a second come %g, want %g", in, l.Records, out)
		}
	}
}

func TestWarnings(t *testing.T) {
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	a := &Agent{Topic: "s", Partitions: 1}
	a.Choice.Aggregation = &config.Aggregation{}
	a.Choice.Aggregation.Window.MaxFutureSkew = time.Minute
	a.Output.Topic, a.Output.Size = "s-aggregated", 10*time.Second
	none := config.TopicLimits{Retention: -1, RetentionBytes: -1, Before: -1, After: -1}
	for name, test := range map[string]struct {
		change func(*config.TopicLimits)
		oldest time.Time
		want   []Kind
	}{
		"no bounds":              {func(*config.TopicLimits) {}, now.AddDate(-9, 0, 0), nil},
		"small":                  {func(l *config.TopicLimits) { l.MaxMessageBytes = 1000 }, time.Time{}, []Kind{TooLarge}},
		"large enough":           {func(l *config.TopicLimits) { l.MaxMessageBytes = 2000 }, time.Time{}, nil},
		"old":                    {func(l *config.TopicLimits) { l.Before = time.Hour }, now.Add(-2 * time.Hour), []Kind{TooOld}},
		"not that old":           {func(l *config.TopicLimits) { l.Before = time.Hour }, now.Add(-time.Minute), nil},
		"expired":                {func(l *config.TopicLimits) { l.Retention = time.Hour }, now.Add(-2 * time.Hour), []Kind{Expiring}},
		"refused and expired":    {func(l *config.TopicLimits) { l.Before, l.Retention = time.Hour, time.Hour }, now.Add(-2 * time.Hour), []Kind{TooOld}},
		"middle of a window":     {func(l *config.TopicLimits) { l.After = time.Minute + 5*time.Second }, time.Time{}, nil},
		"a little less":          {func(l *config.TopicLimits) { l.After = time.Minute + 4*time.Second }, time.Time{}, []Kind{TooFarAhead}},
		"the topic's own stamps": {func(l *config.TopicLimits) { l.ArrivalTime, l.After, l.Retention = true, 0, 0 }, now.Add(-time.Hour), []Kind{StampedOnArrival}},
	} {
		limits := none
		test.change(&limits)
		var got []Kind
		for _, w := range a.warnings(&OutputTopic{Limits: limits, Known: true}, Load{RecordSize: 1000}, test.oldest, now) {
			if w.Topic != "s-aggregated" || w.Limits != limits {
				t.Errorf("%s: %+v", name, w)
			}
			got = append(got, w.Kind)
		}
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
		if w := a.warnings(&OutputTopic{Limits: limits}, Load{RecordSize: 1000}, test.oldest, now); w != nil {
			t.Errorf("%s: of a topic that brokers do not tell of: %v", name, w)
		}
	}
}
