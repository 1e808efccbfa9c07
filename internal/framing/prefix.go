package framing

import (
	"encoding/binary"
	"fmt"
)

// prefixSize is the length of the prefix: a zero byte and the schema id.
const prefixSize = 5

// ParsePrefix splits a value in the registry's wire format into the id of its
// schema and its body, which shares value's memory.
func ParsePrefix(value []byte) (id int, body []byte, err error) {
	id, body, ok := prefixed(value)
	if !ok {
		err = fmt.Errorf("value is not in the registry's wire format: %s", notPrefixed(value))
	}
	return id, body, err
}

func prefixed(value []byte) (id int, body []byte, ok bool) {
	if len(value) < prefixSize || value[0] != 0 || value[1] > 0x7f {
		return 0, nil, false
	}
	return int(binary.BigEndian.Uint32(value[1:prefixSize])), value[prefixSize:], true
}

// notPrefixed says why a value has no prefix.
func notPrefixed(value []byte) string {
	switch {
	case len(value) < prefixSize:
		return fmt.Sprintf("%d bytes, fewer than 5", len(value))
	case value[0] != 0:
		return fmt.Sprintf("first byte is %#02x, not 0x00", value[0])
	}
	return fmt.Sprintf("schema id %d is negative", int32(binary.BigEndian.Uint32(value[1:prefixSize])))
}

// AppendPrefix appends the prefix with a schema id.
func AppendPrefix(dst []byte, id int) []byte {
	return binary.BigEndian.AppendUint32(append(dst, 0), uint32(id))
}
