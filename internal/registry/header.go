package registry

import "github.com/lsst-sqre/kafka-aggregator/internal/framing"

// ParseHeader splits the value of an aggregated record into the id of its schema
// and its Avro body, which shares value's memory. It fails if value is not in the
// registry's wire format. What source records may have beside that: framing.Reader.
func ParseHeader(value []byte) (id int, body []byte, err error) { return framing.ParsePrefix(value) }

// AppendHeader appends the wire header of a schema id.
func AppendHeader(dst []byte, id int) []byte { return framing.AppendPrefix(dst, id) }
