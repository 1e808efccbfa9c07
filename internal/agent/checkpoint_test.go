package agent

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/internal/window"
)

var prefixes = []string{prefix2, prefix3, prefix4}

// Whatever a committed offset has for metadata, it is refused or means the
// same when it is written again.
func FuzzCheckpoint(f *testing.F) {
	for _, c := range []Checkpoint{
		Fresh(0), Fresh(1 << 40),
		{Clocks: &clocks{n: 1, seen: 2, rhythm: 5, believed: 3, list: [maxClocks]clock{{last: 4, records: 2}}}},
		{Newest: []Newest{{window.Tumbling(second), -second}}, trusting: true},
		{Clocks: &clocks{believed: 3}, Newest: []Newest{{window.Tumbling(second), 0}, {window.Shape{Size: 3 * second, Advance: 2 * second}, 4 * second}}},
		{Cluster: 1, TopicID: [16]byte{2}, Head: 100, MaxTime: 3, LowTime: -4, Final: 5, Shipped: 6, Count: 7, Hash: 8, Refused: []Span{{1, 1}, {5, 9}, {98, 99}}},
		{Stamping: 7, Doubt: anyTime, Head: 100, Refused: []Span{{98, 99}}, ahead: choices{{3, 5, 1}, {97, 97, 300}}},
		{Doubt: 5, Clocks: &clocks{believed: 3}},
	} {
		if c.Stamping == 0 && c.Doubt == 0 {
			c.Doubt = window.Unset
		}
		text := c.Encode()
		body, err := base64.RawStdEncoding.DecodeString(text[len(prefix2):])
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body[:len(body)-4], slices.Index(prefixes, text[:len(prefix2)]))
	}
	f.Fuzz(func(t *testing.T, body []byte, format int) {
		if format < 0 || format >= len(prefixes) {
			return
		}
		prefix := prefixes[format]
		body = binary.BigEndian.AppendUint32(body[:len(body):len(body)], checksum(prefix, body))
		c, err := DecodeCheckpoint(prefix + base64.RawStdEncoding.EncodeToString(body))
		if err != nil {
			return
		}
		last := int64(-1)
		for _, s := range c.Refused {
			if s.First <= last || s.Last < s.First || s.Last >= c.Head {
				t.Fatalf("refused %v, head %d", c.Refused, c.Head)
			}
			last = s.Last
		}
		again, err := DecodeCheckpoint(c.Encode())
		if err != nil {
			t.Fatal(err)
		}
		if n := len(c.Refused) - len(again.Refused); n > 0 { // the oldest have no room
			c.Refused = c.Refused[n:]
		}
		if n := len(c.ahead) - len(again.ahead); n > 0 {
			c.ahead = c.ahead[n:]
		}
		if len(c.ahead) == 0 {
			c.ahead, again.ahead = nil, nil
		}
		if len(c.Refused) == 0 {
			c.Refused, again.Refused = nil, nil
		}
		if !reflect.DeepEqual(c, again) {
			t.Fatalf("%+v becomes %+v", c, again)
		}
	})
}

// What Key writes is read back.
func FuzzKey(f *testing.F) {
	f.Add(int64(1_700_000_000_000_125_000), int64(125_000))
	f.Add(int64(-1), int64(1))
	f.Add(int64(-1_000_000), int64(1_000_001))
	f.Fuzz(func(t *testing.T, start, size int64) {
		if size <= 0 || start > math.MaxInt64-2_000_000 || size > math.MaxInt64-2_000_000 || start < math.MinInt64+2_000_000 {
			t.Skip()
		}
		if gotStart, gotSize, ok := ParseKey(Key("t", "", start, size)); !ok || gotStart != start || gotSize != size {
			t.Errorf("%s is read as %d, %d, %v", Key("t", "", start, size), gotStart, gotSize, ok)
		}
	})
}
