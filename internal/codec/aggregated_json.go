package codec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

// recordJSON is the text of an aggregated schema. Whatever is known of a source
// field or of an operation stands once, in the attribute kafka_aggregator of the
// record, and not again in each of the fields × operations aggregated fields:
// registries keep a schema in a Kafka record, which is limited. Units are short,
// and what shows a field wants them beside its name, so they are there as well.
type recordJSON struct {
	Type       string      `json:"type"`
	Name       string      `json:"name"`
	Namespace  string      `json:"namespace,omitempty"`
	Doc        string      `json:"doc"`
	Fields     []fieldJSON `json:"fields"`
	Aggregator *markJSON   `json:"kafka_aggregator"`
}

type fieldJSON struct {
	Name    string          `json:"name"`
	Type    json.RawMessage `json:"type"`
	Default json.RawMessage `json:"default,omitempty"`
	Doc     string          `json:"doc,omitempty"`
	Units   string          `json:"units,omitempty"`
}

// markJSON says what the aggregated fields are: {operation}_{name} is the
// operation over the source field of that name.
type markJSON struct {
	Version     int              `json:"version"`
	SourceTopic string           `json:"source_topic"`
	Quantiles   string           `json:"quantiles"`
	Operations  []string         `json:"operations"`
	Definitions []definitionJSON `json:"definitions,omitempty"` // in the order of Operations
	Fields      []sourceJSON     `json:"fields"`
}

// definitionJSON says what an operation is. Nothing depends on it.
type definitionJSON struct {
	Prefix string `json:"prefix"` // of the aggregated fields
	Doc    string `json:"doc"`
	Units  string `json:"units"` // of the results, where those of the source field are u
}

type sourceJSON struct {
	Name  string `json:"name"`
	Path  string `json:"path"`
	Type  string `json:"type"`
	Kind  string `json:"kind"`            // real or integer
	Array string `json:"array,omitempty"` // elements or pool
	Units string `json:"units,omitempty"`
	Doc   string `json:"doc,omitempty"`

	Symbols []string `json:"symbols,omitempty"` // of an enum, in the order of their indexes
}

// markVersion changes when a program that reads older marks would misread newer ones.
const markVersion = 1

var (
	typeScalar = json.RawMessage(`["null","double"]`)
	typeArray  = json.RawMessage(`{"type":"array","items":"double"}`)
	typeMillis = json.RawMessage(`{"type":"long","logicalType":"timestamp-millis"}`)
	typeDouble = json.RawMessage(`"double"`)
	typeLong   = json.RawMessage(`"long"`)

	defaultNull  = json.RawMessage(`null`)
	defaultEmpty = json.RawMessage(`[]`)
)

func (a *Aggregated) schema() *recordJSON {
	mark := &markJSON{
		Version: markVersion, SourceTopic: a.SourceTopic, Quantiles: "exclusive",
		Operations: make([]string, len(a.Operations)), Definitions: make([]definitionJSON, len(a.Operations)),
		Fields: make([]sourceJSON, len(a.Fields)),
	}
	if a.Quantiles == stats.Inclusive {
		mark.Quantiles = "inclusive"
	}
	r := &recordJSON{
		Type: "record", Name: a.Name, Namespace: a.Namespace, Aggregator: mark,
		Doc: "Statistics of the fields of " + a.SourceTopic + " by time window [window_start, window_end). " +
			"A field is called {operation}_{source field}; kafka_aggregator says what these are.",
		Fields: []fieldJSON{
			{Name: "time", Type: typeDouble, Doc: "Middle of the window since 1970-01-01.", Units: "s"},
			{Name: "window_start", Type: typeMillis, Doc: "Start of the window."},
			{Name: "window_end", Type: typeMillis, Doc: "End of the window, not part of it."},
			{Name: "window_size", Type: typeDouble, Doc: "Size of the window.", Units: "s"},
			{Name: "count", Type: typeLong, Doc: "Records in the window."},
		},
	}
	for i, op := range a.Operations {
		mark.Operations[i] = op.String()
		mark.Definitions[i] = definitionJSON{Prefix: op.FieldName() + "_", Doc: op.Doc(), Units: op.Units("u")}
	}
	for i, f := range a.Fields {
		s := sourceJSON{Name: f.Name, Path: f.Path, Type: f.Type, Kind: "real", Units: f.Units, Doc: f.Doc, Symbols: f.Symbols}
		if f.Kind == stats.Integer {
			s.Kind = "integer"
		}
		if f.Array {
			s.Array = ArrayElements
			if f.Pool {
				s.Array = ArrayPool
			}
		}
		mark.Fields[i] = s
		for _, op := range a.Operations {
			j := fieldJSON{Name: op.FieldName() + "_" + f.Name, Type: typeScalar, Default: defaultNull}
			if f.Units != "" {
				j.Units = op.Units(f.Units)
			}
			if f.Array && !f.Pool {
				j.Type, j.Default = typeArray, defaultEmpty
			}
			r.Fields = append(r.Fields, j)
		}
	}
	return r
}

func (r *recordJSON) text() string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		panic(fmt.Sprintf("BUG: %v", err)) // strings, numbers and valid raw JSON only
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

// ParseAggregated reads back what Derive wrote, also after a registry has
// reordered or reformatted it, and what it wrote before it left attributes of
// the aggregated fields out. Its Text is what Derive would write now. The error
// says why a schema is not one of ours.
func ParseAggregated(text string) (*Aggregated, error) {
	a, err := parseAggregated(text)
	if err != nil {
		return nil, fmt.Errorf("not the schema of an aggregated topic: %w", err)
	}
	return a, nil
}

func parseAggregated(text string) (*Aggregated, error) {
	var r recordJSON
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return nil, err
	}
	m := r.Aggregator
	if m == nil || r.Type != "record" {
		return nil, errors.New("no record with the attribute kafka_aggregator")
	}
	if m.Version != markVersion {
		return nil, fmt.Errorf("kafka_aggregator version %d, not %d", m.Version, markVersion)
	}
	a := &Aggregated{Name: r.Name, Namespace: r.Namespace, SourceTopic: m.SourceTopic}
	switch m.Quantiles {
	case "exclusive":
	case "inclusive":
		a.Quantiles = stats.Inclusive
	default:
		return nil, fmt.Errorf("quantiles %q", m.Quantiles)
	}
	for _, name := range m.Operations {
		op, err := stats.ParseOperation(name)
		if err != nil {
			return nil, err
		}
		a.Operations = append(a.Operations, op)
	}
	for _, s := range m.Fields {
		f, err := s.field()
		if err != nil {
			return nil, err
		}
		a.Fields = append(a.Fields, f)
	}
	a.index()
	if len(a.slots) != len(a.Fields) {
		return nil, errors.New("a source field is there twice")
	}
	if err := a.finish(); err != nil {
		return nil, err
	}
	if !sameLayout(r.Fields, a.schema().Fields) {
		return nil, errors.New("its fields are not those that its attributes describe")
	}
	return a, nil
}

func (s sourceJSON) field() (Field, error) {
	f := Field{Name: s.Name, Path: s.Path, Type: s.Type, Units: s.Units, Doc: s.Doc, Symbols: s.Symbols}
	switch s.Kind {
	case "real":
	case "integer":
		f.Kind = stats.Integer
	default:
		return f, fmt.Errorf("kind %q of %s", s.Kind, s.Path)
	}
	switch s.Array {
	case "":
	case ArrayElements:
		f.Array = true
	case ArrayPool:
		f.Array, f.Pool = true, true
	default:
		return f, fmt.Errorf("array %q of %s", s.Array, s.Path)
	}
	if s.Name != legalName(s.Name) {
		return f, fmt.Errorf("%q is not a legal name", s.Name)
	}
	return f, nil
}

// sameLayout compares names and types, in order: what the encoding rests on.
func sameLayout(a, b []fieldJSON) bool {
	return slices.EqualFunc(a, b, func(x, y fieldJSON) bool {
		if x.Name != y.Name {
			return false
		}
		var xt, yt any
		if json.Unmarshal(x.Type, &xt) != nil || json.Unmarshal(y.Type, &yt) != nil {
			return false
		}
		return reflect.DeepEqual(xt, yt)
	})
}
