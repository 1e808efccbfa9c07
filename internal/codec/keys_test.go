package codec

import (
	"fmt"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/stats"
)

// TestMapKeys: keys that are there twice, and maps that cannot be read.
func TestMapKeys(t *testing.T) {
	sel := Selection{MapKeys: []string{"m.k", "m.l"}, Exclude: []Pattern{pattern(t, "m.l")}}
	_, d := decoder(t, record(field("m", mapOf(`["null","long"]`)), field("z", `"int"`)), sel)
	var row Row
	for _, c := range []struct {
		body  string
		value float64
		want  string
	}{
		{"\x04\x02k\x02\x06\x02k\x02\x08\x00\x02", 3, ""},     // the first one holds
		{"\x02\x02l\x02\x06\x02\x02k\x02\x08\x00\x02", 4, ""}, // two blocks
		{"\x03\x10\x02l\x02\x06\x02k\x02\x08\x00\x02", 4, ""}, // one that says its size
		{"\x00\x02", stats.Absent, ""},
		{"\x02\x02k\x00\x00\x02", stats.Null, ""},
		{"\x02\x02k\x06\x08\x00\x02", 0, "field m.k: byte 3: union has no branch 3"},
		{"\x02\x02x\x06\x08\x00\x02", 0, "field m: byte 3: union has no branch 3"},
		{"\x02\x02k\x02\x80", 0, "field m.k: byte 4: truncated inside an integer"},
		{"\x02\x0ck\x02\x80", 0, "field m: byte 1: length 6, 3 bytes are left"},
		{"\x08\x02k\x02\x08\x00\x02", 0, "field m: byte 0: map block of 4 entries, 6 bytes are left"},
		{"\x01\x02\x02k\x02\x08\x00\x02", 0, "field m: byte 6: map block ends at byte 6, its head says 3"},
	} {
		err := d.Decode([]byte(c.body), &row)
		if got := fmt.Sprint(err); c.want != "" && got != c.want || c.want == "" && err != nil {
			t.Errorf("%q: %v, want %q", c.body, err, c.want)
		}
		if c.want == "" && (!sameFloats(row.Scalars, []float64{c.value, 1}) || len(row.Rests) > 0) {
			t.Errorf("%q: %v, want %v", c.body, row.Scalars, c.value)
		}
		if c.want == "" {
			hostile(t, d, []byte(c.body), 1)
		}
	}
}
