package framing

import (
	"encoding/binary"
	"fmt"
)

// The header of AWS Glue's serializers: a version, what the data are compressed
// with, and the UUID of the schema version.
const (
	glueSize    = 18
	glueVersion = 3
	gluePlain   = 0
	glueZlib    = 5
)

// glued splits a value with Glue's header.
func glued(value []byte) (version GUID, body []byte, compressed, ok bool) {
	if len(value) < glueSize || value[0] != glueVersion || value[1] != gluePlain && value[1] != glueZlib {
		return version, nil, false, false
	}
	return GUID(value[2:glueSize]), value[glueSize:], value[1] == glueZlib, true
}

// notGlued says why a value has no such header.
func notGlued(value []byte) string {
	switch {
	case len(value) < glueSize:
		return fmt.Sprintf("%d bytes, fewer than 18", len(value))
	case value[0] != glueVersion:
		return fmt.Sprintf("first byte is %#02x, not 0x03", value[0])
	}
	return fmt.Sprintf("compression byte is %d, neither 0 nor 5", value[1])
}

// AppendGlue appends Glue's header of data that are not compressed.
func AppendGlue(dst []byte, version GUID) []byte {
	return append(append(dst, glueVersion, gluePlain), version[:]...)
}

// Avro's single-object encoding: two bytes, and the fingerprint, little-endian.
const (
	singleSize = 10
	single0    = 0xc3
	single1    = 0x01
)

// single splits a value in single-object encoding.
func single(value []byte) (print uint64, body []byte, ok bool) {
	if len(value) < singleSize || value[0] != single0 || value[1] != single1 {
		return 0, nil, false
	}
	return binary.LittleEndian.Uint64(value[2:]), value[singleSize:], true
}

// notSingle says why a value is not in that encoding.
func notSingle(value []byte) string {
	if len(value) < singleSize {
		return fmt.Sprintf("%d bytes, fewer than 10", len(value))
	}
	return fmt.Sprintf("first bytes are %x, not c301", value[:2])
}

// AppendSingle appends what a value in single-object encoding begins with.
func AppendSingle(dst []byte, print uint64) []byte {
	return binary.LittleEndian.AppendUint64(append(dst, single0, single1), print)
}
