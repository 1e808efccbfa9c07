package example

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/lsst-sqre/kafka-aggregator/internal/framing"
	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
)

// Framing is how records name their schema.
type Framing string

// The framings that records can have.
const (
	Prefix       Framing = "prefix"        // Confluent's wire format: 0, schema id
	Header       Framing = "header"        // the id in a record header
	GUID         Framing = "guid"          // the GUID in a record header
	SingleObject Framing = "single-object" // Avro's encoding, with a fingerprint
	Bare         Framing = "bare"          // they name none
)

// Framings are all of them.
func Framings() []Framing { return []Framing{Prefix, Header, GUID, SingleObject, Bare} }

// ParseFramings reads framings, which take turns.
func ParseFramings(names []string) (out []Framing, err error) {
	for _, name := range names {
		f := Framing(name)
		if !slices.Contains(Framings(), f) {
			all := make([]string, len(Framings()))
			for i, f := range Framings() {
				all[i] = string(f)
			}
			return nil, fmt.Errorf("unknown framing %q: write %s", name, strings.Join(all, ", "))
		}
		out = append(out, f)
	}
	return out, nil
}

// Identify sets by what else than their ids the schemas of topics can be named, as far
// as the framings need it.
func Identify(ctx context.Context, schemas *registry.Client, topics []Topic, framings []Framing) error {
	if !slices.Contains(framings, GUID) && !slices.Contains(framings, SingleObject) {
		return nil
	}
	all, calls := errgroup.WithContext(ctx)
	all.SetLimit(8)
	for i := range topics {
		all.Go(func() error {
			names, err := schemas.Names(calls, Subject(topics[i].Name))
			topics[i].GUID, topics[i].Fingerprint = names.GUID, names.Fingerprint
			return err
		})
	}
	return all.Wait()
}

// frame is what a record has beside its data.
type frame struct {
	headers []kgo.RecordHeader
	before  []byte // of the value
}

// frames are those of a topic's records, which take turns.
func frames(t Topic, framings []Framing) []frame {
	if len(framings) == 0 {
		framings = []Framing{Prefix}
	}
	out := make([]frame, len(framings))
	for i, f := range framings {
		header := func(value []byte) { out[i].headers = []kgo.RecordHeader{{Key: framing.SchemaHeader, Value: value}} }
		switch f {
		case Prefix:
			out[i].before = framing.AppendPrefix(nil, t.SchemaID)
		case Header:
			header(framing.AppendIDHeader(nil, t.SchemaID))
		case GUID:
			header(framing.AppendGUIDHeader(nil, t.GUID))
		case SingleObject:
			out[i].before = framing.AppendSingle(nil, t.Fingerprint)
		case Bare:
		}
	}
	return out
}
