package sandbox_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
)

// record is a schema of so many fields with a name of its own.
func record(name string, fields int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"type":"record","name":%q,"fields":[`, name)
	for i := range fields {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"name":"value%d","type":["null","double"],"default":null,"doc":"A measurement of something, number %d"}`, i, i)
	}
	b.WriteString("]}")
	return b.String()
}

// BenchmarkRegister registers schemas under subjects of their own, beside so many
// that are there.
func BenchmarkRegister(b *testing.B) {
	for _, c := range []struct{ fields, there int }{{10, 0}, {10, 5000}, {94, 0}, {94, 500}, {94, 5000}} {
		b.Run(fmt.Sprintf("fields=%d/beside=%d", c.fields, c.there), func(b *testing.B) {
			r, err := sandbox.StartRegistry("127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			defer r.Close()
			schemas, err := sr.NewClient(sr.URLs(r.URL))
			if err != nil {
				b.Fatal(err)
			}
			register := func(name string) {
				if _, err := schemas.RegisterSchema(b.Context(), name+"-value", sr.Schema{Schema: record(name, c.fields)}, -1, -1); err != nil {
					b.Error(err)
				}
			}
			for i := range c.there {
				register(fmt.Sprintf("there%d", i))
			}
			var n atomic.Int64
			b.ResetTimer()
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					register(fmt.Sprintf("new%d", n.Add(1)))
				}
			})
		})
	}
}
