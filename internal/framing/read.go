package framing

import (
	"errors"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Kind is a framing.
type Kind uint8

// The framings, in the order in which they are looked for.
const (
	None         Kind = iota
	Header            // the record header SchemaHeader; the value is the data
	Prefix            // the registry's wire format: 0x00, id
	Glue              // AWS Glue's: 0x03, compression, UUID
	SingleObject      // Avro's: 0xc3 0x01, fingerprint
	Bare              // nothing; the configuration names the schema
)

var kinds = [...]string{"none", "header", "prefix", "glue", "single-object", "bare"}

func (k Kind) String() string { return kinds[k] }

// Schema is one that the configuration names: by its id, or as the newest version of
// a subject. The zero value is none.
type Schema struct {
	ID      int
	Subject string
}

// Settings are what the records of a topic may have beside the header and the prefix.
type Settings struct {
	Subjects     []string        // have the topic's schemas, for what names none by an id
	Glue         map[GUID]Schema // by the UUID of a schema version in Glue
	SingleObject bool
	Bare         Schema
}

// Frame is how a value is to be read.
type Frame struct {
	Ref  Ref
	Body []byte // the data, in the value's memory
	Kind Kind
	// Compressed: Body has to be decompressed with an Inflater.
	Compressed bool
	// Doubtful: the value may as well be bare, and begin like this by chance.
	Doubtful bool
}

// Reader reads the framing of records of one topic. It does not change.
type Reader struct {
	Subjects []string // those of the settings

	glue   map[GUID]Ref
	single bool
	bare   Ref
	newest []string // subjects that Refs mean the newest version of
	plain  bool     // nothing but header and prefix
}

// NewReader is a reader with these settings.
func NewReader(s Settings) *Reader {
	r := &Reader{Subjects: s.Subjects, single: s.SingleObject, plain: !s.SingleObject && len(s.Glue) == 0 && s.Bare == Schema{}}
	ref := func(s Schema) Ref {
		if s.Subject == "" {
			return ID(s.ID)
		}
		r.newest = append(r.newest, s.Subject)
		return Ref{by: bySubject, lo: uint64(len(r.newest) - 1)}
	}
	if s.Bare != (Schema{}) {
		r.bare = ref(s.Bare)
	}
	if len(s.Glue) > 0 {
		r.glue = make(map[GUID]Ref, len(s.Glue))
		for version, schema := range s.Glue {
			r.glue[version] = ref(schema)
		}
	}
	return r
}

// Bare is the schema of values that are bare; the zero value if there are none.
func (r *Reader) Bare() Ref { return r.bare }

// Subject is the subject of a Ref that means its newest version.
func (r *Reader) Subject(ref Ref) (subject string, ok bool) {
	if ref.by != bySubject {
		return "", false
	}
	return r.newest[ref.lo], true
}

// Name is a Ref for people.
func (r *Reader) Name(ref Ref) string {
	if subject, ok := r.Subject(ref); ok {
		return "newest schema of subject " + subject
	}
	return ref.String()
}

// Read finds the framing of a record. The error says what was tried; it is for the
// record alone, whatever a registry may say.
//
// The header comes first: with it a value has no prefix, and one that begins with a
// zero byte, as a null, an empty string or a 0 do, would pass for a prefix with an id
// of chance.
func (r *Reader) Read(headers []kgo.RecordHeader, value []byte) (Frame, error) {
	if len(headers) > 0 {
		if h, ok := schemaHeader(headers); ok {
			ref, err := fromHeader(h)
			if err != nil {
				return Frame{}, err
			}
			return Frame{Kind: Header, Ref: ref, Body: value}, nil
		}
	}
	if !r.plain {
		return r.readOthers(value)
	}
	id, body, ok := prefixed(value)
	if !ok {
		return Frame{}, r.unnamed(value)
	}
	return Frame{Kind: Prefix, Ref: ID(id), Body: body}, nil
}

// Plain is Read for what most records are: with a prefix, in a topic that may have
// nothing but that and the header. It reports whether it is one. It is for those who
// read many records with the same schema one after the other.
//
// That the record has no SchemaHeader (Named) is for the caller to find out, so that
// this can be inlined.
func (r *Reader) Plain(value []byte) (id int, body []byte, ok bool) {
	if !r.plain {
		return 0, nil, false
	}
	return prefixed(value)
}

// readOthers reads a value of a topic that may have more than prefixes.
func (r *Reader) readOthers(value []byte) (Frame, error) {
	bare := r.bare != Ref{}
	if id, body, ok := prefixed(value); ok {
		return Frame{Kind: Prefix, Ref: ID(id), Body: body, Doubtful: bare}, nil
	}
	if r.glue != nil {
		if version, body, compressed, ok := glued(value); ok {
			if ref, ok := r.glue[version]; ok { // so it is no chance
				return Frame{Kind: Glue, Ref: ref, Body: body, Compressed: compressed}, nil
			}
		}
	}
	if r.single {
		if print, body, ok := single(value); ok {
			return Frame{Kind: SingleObject, Ref: Fingerprint(print), Body: body, Doubtful: bare}, nil
		}
	}
	if bare {
		return r.AsBare(value), nil
	}
	return Frame{}, r.unnamed(value)
}

// AsBare is the frame of a value without any framing.
func (r *Reader) AsBare(value []byte) Frame { return Frame{Kind: Bare, Ref: r.bare, Body: value} }

// unnamed says what was tried of a value that names no schema. It is brief, since a
// small letter has room for 200 bytes.
func (r *Reader) unnamed(value []byte) error {
	tried := []string{"no header " + SchemaHeader, "no prefix (" + notPrefixed(value) + ")"}
	version, _, _, ok := glued(value)
	switch {
	case ok && r.glue != nil:
		tried = append(tried, fmt.Sprintf("schema version %s is not in framing.glue.schemas", version))
	case ok:
		tried = append(tried, fmt.Sprintf("begins like AWS Glue's header, schema version %s: see framing.glue", version))
	case r.glue != nil:
		tried = append(tried, "not of AWS Glue ("+notGlued(value)+")")
	}
	_, _, ok = single(value)
	switch {
	case ok:
		tried = append(tried, "begins like a single object: see framing.single_object")
	case r.single:
		tried = append(tried, "no single object ("+notSingle(value)+")")
	}
	return errors.New(strings.Join(tried, ", "))
}
