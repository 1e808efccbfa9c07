package codec

import (
	"fmt"

	"github.com/lsst-sqre/kafka-aggregator/internal/eventtime"
	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

// Row is one decoded record. A slot is the index of a field in
// Aggregated.Fields. The memory is reused by the next Decode.
type Row struct {
	// Scalars has a value or a mark (stats.Null, stats.NaN, stats.Absent) for
	// each slot. For an array it says whether there is one: 0 if so,
	// stats.Null if it was null, stats.Absent if the schema has none.
	Scalars []float64
	// Rests are what 64-bit integers leave over (stats.SplitInt64), in the
	// order in which the record has them. Mostly empty.
	Rests []Rest
	// Arrays has the elements, which may be marks too, of each slot that is
	// an array and is there (then it is not nil, though it may be empty).
	Arrays [][]float64
	// Times are those of the fields that the time of a record may be in, in the order
	// of the selection.
	Times []eventtime.Time

	buffers [][]float64
	owner   *Aggregated
}

// Rest is stats.SplitInt64's rest of an integer. Element is the index in an
// array, 0 for a scalar.
type Rest struct {
	Slot, Element int32
	Value         int16
}

// fit prepares the row for records of a.
func (r *Row) fit(a *Aggregated) {
	n := len(a.Fields)
	if cap(r.Scalars) < n {
		r.Scalars = make([]float64, n)
		r.Arrays = make([][]float64, n)
		buffers := make([][]float64, n)
		copy(buffers, r.buffers)
		r.buffers = buffers
	}
	r.Scalars = r.Scalars[:n]
	r.Arrays = r.Arrays[:n]
	clear(r.Arrays)
	r.buffers = r.buffers[:n]
	r.owner = a
}

// DecodeError says where a record's bytes do not fit its schema. Path is the
// field in the source schema, "" for the record as a whole.
type DecodeError struct {
	Path   string
	Offset int // bytes from the start of the body
	Reason string
}

func (e *DecodeError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("byte %d: %s", e.Offset, e.Reason)
	}
	return fmt.Sprintf("field %s: byte %d: %s", e.Path, e.Offset, e.Reason)
}

// Decode reads one record (without the wire header) into row. All of body
// must be the record. On an error the row is undefined; the error is a
// *DecodeError. Nothing is allocated once row's arrays are large enough.
func (d *Decoder) Decode(body []byte, row *Row) error {
	if row.owner != d.aggregated {
		row.fit(d.aggregated)
	}
	row.Rests = row.Rests[:0]
	if d.more {
		row.Times = append(row.Times[:0], d.noTimes...)
		d.room, d.noted = d.maxElements+2*len(body), d.noted[:0]
	}
	for _, slot := range d.absent {
		row.Scalars[slot] = stats.Absent
		row.Arrays[slot] = nil
	}
	pos, err := d.run(&d.main, body, 0, row.Scalars, row, 0)
	if err != nil {
		return err
	}
	if pos != len(body) {
		return &DecodeError{Offset: pos, Reason: fmt.Sprintf("%d bytes more than the record has", len(body)-pos)}
	}
	return nil
}
