package config

import (
	"reflect"
	"testing"
	"time"
)

func TestFingerprint(t *testing.T) {
	of := func(change func(*Config)) Fingerprint {
		c := Default()
		c.Aggregations = []Aggregation{DefaultAggregation()}
		change(c)
		return c.Fingerprint()
	}
	same := of(func(*Config) {})
	for _, c := range []struct {
		change func(*Config)
		want   []string
	}{
		{func(*Config) {}, nil},
		{func(c *Config) {
			c.Kafka.Brokers, c.HTTP.Listen, c.Log.Level, c.Worker.ID = []string{"b"}, "off", "debug", "w"
		}, nil},
		{func(c *Config) { c.SchemaRegistry.Password, c.Worker.CommitInterval = "x", time.Hour }, nil},
		{func(c *Config) {
			a := &c.Aggregations[0]
			a.Fields.Include, a.Topics.Exclude, a.Fields.Arrays = []string{}, []string{}, map[string]string{}
		}, nil},
		{func(c *Config) { c.Aggregations[0].Windows = []Output{{Size: c.Aggregations[0].Window.Size}} }, nil},
		{func(c *Config) { c.Aggregations[0].Name = "other" }, nil},
		{func(c *Config) { c.SchemaRegistry.Context = ".staging" }, []string{"topics"}},
		{func(c *Config) { c.Aggregations[0].Window.Size *= 2 }, []string{"windows"}},
		{func(c *Config) { c.Aggregations[0].Windows = []Output{{Size: time.Hour}} }, []string{"windows"}},
		{func(c *Config) { c.Aggregations[0].Operations = []string{"mean"} }, []string{"statistics"}},
		{func(c *Config) { c.Aggregations[0].Fields.Arrays = map[string]string{"a": "skip", "b": "pool"} }, []string{"fields and framing"}},
		{func(c *Config) { c.Aggregations[0].Framing.Bare.ID = 7 }, []string{"fields and framing"}},
		{func(c *Config) { c.Aggregations[0].Framing.Glue.Schemas = map[string]string{} }, nil},
		{func(c *Config) {
			c.Aggregations[0].Fields.Enums, c.Aggregations[0].Fields.Maps = "", map[string]string{}
		}, nil},
		{func(c *Config) { c.Aggregations[0].Fields.Include = []string{"a", "b"} }, []string{"fields and framing"}},
		{func(c *Config) { c.Aggregations[0].Fields.Enums = "index" }, []string{"fields and framing"}},
		{func(c *Config) { c.Aggregations[0].Topics.Exclude = []string{"x"} }, []string{"topics"}},
		{func(c *Config) { c.Aggregations[0].EventTime.Field = "t" }, []string{"windows"}},
		{func(c *Config) { c.Aggregations[0].EventTime.Scale = "tai" }, nil}, // of no field
		{func(c *Config) { c.DeadLetterTopic = "other" }, []string{"late and bad records"}},
		{func(c *Config) { c.Worker.Delivery = AtLeastOnce; c.Aggregations[0].Window.Grace++ }, []string{"windows", "delivery"}},
	} {
		for range 3 { // whatever the order of maps
			f := of(c.change)
			if got := same.Differs(f); !reflect.DeepEqual(got, c.want) || len(f) != 16 {
				t.Errorf("%s differs from %s in %q, want %q", f, same, got, c.want)
			}
		}
	}
	include := func(names ...string) Fingerprint {
		return of(func(c *Config) { c.Aggregations[0].Topics.Include, c.Aggregations[0].Fields.Include = names, names })
	}
	if a, b := include("a", "b"), include("b", "a"); a != b {
		t.Errorf("the order of names matters: %s, %s", a, b)
	}
	for _, other := range []Fingerprint{"", "x", "AAAA", same[:15] + "="} {
		if got := same.Differs(other); got != nil {
			t.Errorf("%q differs in %q", other, got)
		}
	}
}

// Whatever an aggregation says is in the fingerprint.
func TestFingerprintOfEachSetting(t *testing.T) {
	of := func(change func(reflect.Value)) Fingerprint {
		c := Default()
		c.Aggregations = []Aggregation{DefaultAggregation()}
		change(reflect.ValueOf(&c.Aggregations[0]).Elem())
		return c.Fingerprint()
	}
	same := of(func(reflect.Value) {})
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Aggregation]()) {
		got := of(func(a reflect.Value) {
			switch v := a.FieldByIndex(f.Index); v.Kind() {
			case reflect.String:
				v.SetString(v.String() + "x")
			case reflect.Int:
				v.SetInt(v.Int() + 1)
			case reflect.Bool:
				v.SetBool(!v.Bool())
			case reflect.Map:
				v.Set(reflect.ValueOf(map[string]string{"x": "y"}))
			case reflect.Slice:
				v.Set(reflect.MakeSlice(v.Type(), 7, 7))
			case reflect.Struct: // one of its fields is enough
				switch first := v.Field(0); first.Kind() {
				case reflect.Slice:
					first.Set(reflect.MakeSlice(first.Type(), 7, 7))
				case reflect.String:
					first.SetString("x")
				default:
					v.Set(reflect.Zero(v.Type()))
				}
			default:
				t.Fatalf("%s is a %s", f.Name, v.Kind())
			}
		})
		if same.Differs(got) == nil && f.Name != "Name" { // for people
			t.Errorf("%s is not in the fingerprint", f.Name)
		}
	}
}
