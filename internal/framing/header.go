package framing

import (
	"encoding/binary"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
)

// SchemaHeader is the record header that names the schema of a value, which then
// has no prefix. Confluent's serializers write it since 8.0, if they are told to.
const SchemaHeader = "__value_schema_id"

// The first byte of that header says what follows.
const (
	headerOfID   = 0 // 4 bytes
	headerOfGUID = 1 // 16 bytes
)

// schemaHeader is the value of the last header of that name, as Kafka's
// lastHeader has it. One that is null is none.
func schemaHeader(headers []kgo.RecordHeader) ([]byte, bool) {
	for i := len(headers) - 1; i >= 0; i-- {
		if h := &headers[i]; len(h.Key) == len(SchemaHeader) && h.Key == SchemaHeader {
			return h.Value, h.Value != nil
		}
	}
	return nil, false
}

// Named reports whether there is a SchemaHeader.
func Named(headers []kgo.RecordHeader) bool {
	_, ok := schemaHeader(headers)
	return ok
}

// fromHeader reads the header. What is there and cannot be read is an error: that
// the producer means the header is certain, and anything else would be a guess.
func fromHeader(h []byte) (Ref, error) {
	switch {
	case len(h) == 0:
		return Ref{}, fmt.Errorf("header %s is empty", SchemaHeader)
	case h[0] == headerOfID && len(h) == 5:
		id := int(int32(binary.BigEndian.Uint32(h[1:])))
		if id < 0 {
			return Ref{}, fmt.Errorf("header %s: schema id %d is negative", SchemaHeader, id)
		}
		return ID(id), nil
	case h[0] == headerOfID:
		return Ref{}, fmt.Errorf("header %s: %d bytes, not the 5 of an id", SchemaHeader, len(h))
	case h[0] == headerOfGUID && len(h) == 17:
		return ByGUID(GUID(h[1:])), nil
	case h[0] == headerOfGUID:
		return Ref{}, fmt.Errorf("header %s: %d bytes, not the 17 of a GUID", SchemaHeader, len(h))
	}
	return Ref{}, fmt.Errorf("header %s: first byte is %#02x, neither 0x00 (an id) nor 0x01 (a GUID)", SchemaHeader, h[0])
}

// AppendIDHeader appends the value of the header with an id.
func AppendIDHeader(dst []byte, id int) []byte { return AppendPrefix(dst, id) }

// AppendGUIDHeader appends the value of the header with a GUID.
func AppendGUIDHeader(dst []byte, g GUID) []byte { return append(append(dst, headerOfGUID), g[:]...) }
