package registry

import (
	"encoding/binary"
	"fmt"
)

// headerSize is the length of the wire header: a zero byte and the schema id.
const headerSize = 5

// ParseHeader splits a record's value into the id of its schema and its Avro
// body, which shares value's memory. It fails if value is not in the
// registry's wire format.
func ParseHeader(value []byte) (id int, body []byte, err error) {
	if len(value) < headerSize {
		return 0, nil, fmt.Errorf("%d bytes are too few for the registry's wire format (5 and more)", len(value))
	}
	if value[0] != 0 {
		return 0, nil, fmt.Errorf("first byte is %#02x, not the 0x00 of the registry's wire format", value[0])
	}
	id = int(int32(binary.BigEndian.Uint32(value[1:headerSize])))
	if id < 0 {
		return 0, nil, fmt.Errorf("schema id %d is negative", id)
	}
	return id, value[headerSize:], nil
}

// AppendHeader appends the wire header of a schema id.
func AppendHeader(dst []byte, id int) []byte {
	return binary.BigEndian.AppendUint32(append(dst, 0), uint32(id))
}
