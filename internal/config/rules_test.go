package config_test

import (
	"reflect"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// TestRulesInOrder: what says more of a field goes before what says less.
func TestRulesInOrder(t *testing.T) {
	f := config.FieldSettings{
		Arrays: map[string]string{"/a/": "skip", "a": "elements", "a.b": "pool", "c": "pool", "/./": "pool"},
		Maps:   map[string]string{"m": "skip", "m.inner": "pool"}, Enums: "index", Unsigned: []string{"n"},
	}
	sel, err := f.Selection()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range append(sel.Arrays, sel.Maps...) {
		got = append(got, r.Pattern.String()+"="+r.Mode)
	}
	if want := []string{"a.b=pool", "a=elements", "c=pool", "/./=pool", "/a/=skip", "m.inner=pool", "m=skip"}; !reflect.DeepEqual(got, want) {
		t.Errorf("rules %v, want %v", got, want)
	}
	if !sel.Enums || len(sel.Unsigned) != 1 {
		t.Errorf("%+v", sel)
	}
	for _, f := range []config.FieldSettings{{Maps: map[string]string{"/(/": "pool"}}, {Arrays: map[string]string{"//": "pool"}}, {Unsigned: []string{""}}} {
		if _, err := f.Selection(); err == nil {
			t.Errorf("%+v is taken", f)
		}
	}
}
