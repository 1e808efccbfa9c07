package framing

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
)

// Ref names a schema, by whatever the record has. Refs can be compared; the zero
// value names none.
type Ref struct {
	by     by
	hi, lo uint64
}

type by uint8

const (
	byNothing     by = iota
	byID             // lo: in the registry
	byGUID           // hi, lo: in the registry, of whatever context
	byFingerprint    // lo: CRC-64-AVRO, of a version of one of the topic's subjects
	bySubject        // lo: index of a subject of the Reader, whose newest version is meant
	byVersions       // no schema, but all versions of the topic's subjects
)

// ID names a schema by its id in the registry.
func ID(id int) Ref { return Ref{by: byID, lo: uint64(id)} }

// ByGUID names a schema by its GUID in the registry.
func ByGUID(g GUID) Ref {
	return Ref{by: byGUID, hi: binary.BigEndian.Uint64(g[:8]), lo: binary.BigEndian.Uint64(g[8:])}
}

// Fingerprint names a schema by the CRC-64-AVRO of its canonical form.
func Fingerprint(print uint64) Ref { return Ref{by: byFingerprint, lo: print} }

// Versions stands for what the versions of the topic's subjects are named by. It
// names no schema.
func Versions() Ref { return Ref{by: byVersions} }

// ID is the id, if it is by that that the schema is named.
func (r Ref) ID() (id int, ok bool) {
	if r.by != byID {
		return 0, false
	}
	return int(r.lo), true
}

// GUID is the GUID, if it is by that that the schema is named.
func (r Ref) GUID() (g GUID, ok bool) {
	if r.by != byGUID {
		return g, false
	}
	binary.BigEndian.PutUint64(g[:8], r.hi)
	binary.BigEndian.PutUint64(g[8:], r.lo)
	return g, true
}

// Fingerprint is the fingerprint, if it is by that that the schema is named.
func (r Ref) Fingerprint() (print uint64, ok bool) {
	if r.by != byFingerprint {
		return 0, false
	}
	return r.lo, true
}

// String is for people. Reader.Name also has the name of a subject.
func (r Ref) String() string {
	switch r.by {
	case byID:
		return fmt.Sprintf("schema %d", r.lo)
	case byGUID:
		g, _ := r.GUID()
		return "schema GUID " + g.String()
	case byFingerprint:
		return fmt.Sprintf("schema with fingerprint %016x", r.lo)
	case bySubject:
		return "newest schema of a subject"
	case byVersions:
		return "versions of the subjects"
	}
	return "no schema"
}

// GUID is 16 bytes that name a schema: in Confluent's registry, or, as a UUID of a
// schema version, in AWS Glue's.
type GUID [16]byte

// String is the usual form, such as 89791762-2336-4186-9674-299b90a802e2.
func (g GUID) String() string {
	h := hex.EncodeToString(g[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

var errNoGUID = errors.New("is not a UUID such as 89791762-2336-4186-9674-299b90a802e2")

// ParseGUID reads the usual form, in lower or upper case.
func ParseGUID(s string) (g GUID, err error) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return g, errNoGUID
	}
	if _, err := hex.Decode(g[:], []byte(s[:8]+s[9:13]+s[14:18]+s[19:23]+s[24:])); err != nil {
		return GUID{}, errNoGUID
	}
	return g, nil
}
