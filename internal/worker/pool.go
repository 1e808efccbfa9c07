package worker

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/invariants"
)

// recordPool lends the slices that fetched records are decoded into. They
// come back when the last record of a batch is recycled.
type recordPool struct{ pool sync.Pool }

func (p *recordPool) GetRecords(n int) []kgo.Record {
	if v := p.pool.Get(); v != nil {
		if s := *v.(*[]kgo.Record); cap(s) >= n {
			if invariants.Enabled {
				unspoil(s[:cap(s)])
			}
			return s[:n]
		}
	}
	return make([]kgo.Record, n)
}

func (p *recordPool) PutRecords(s []kgo.Record) {
	if invariants.Enabled {
		spoil(s[:cap(s)])
	}
	p.pool.Put(&s)
}
