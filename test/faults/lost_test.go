//go:build e2e

package faults

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Requests that end a transaction, or belong to one, do not arrive.
func TestF06RequestLost(t *testing.T) {
	t.Parallel()
	lost(t, func(r *rule) { r.drop = true })
}

// They arrive and take effect, but their answers do not.
func TestF07AnswerLost(t *testing.T) {
	t.Parallel()
	lost(t, func(r *rule) { r.lose = true })
}

func lost(t *testing.T, how func(*rule)) {
	for _, key := range []kmsg.Key{kmsg.EndTxn, kmsg.TxnOffsetCommit, kmsg.Produce, kmsg.InitProducerID} {
		for _, times := range []int{1, 5} {
			t.Run(fmt.Sprint(key.Name(), times), func(t *testing.T) {
				p := onKafka(t)
				p.create(2)
				r := &rule{key: key, count: times}
				if key != kmsg.InitProducerID {
					r.pass = 1 // one that works
				}
				how(r)
				w := p.startWith(func(w *running) { w.link.add(r) })
				for second := range 8 {
					p.fill(0, float64(second), float64(second)+1)
					p.fill(1, float64(second), float64(second)+1)
					// The windows up to the one before the last are out and committed.
					w.status("committed", func(s status) bool {
						return second == 0 || len(s.Topics) == 1 && len(s.Topics[0].Partitions) == 2 &&
							s.Topics[0].Partitions[0].Committed >= int64(second-1)*10 && s.Topics[0].Partitions[1].Committed >= int64(second-1)*10
					})
				}
				if w.link.hit(r) == 0 {
					t.Error("no request was lost")
				}
				s := w.Status()
				t.Logf("%d requests, %d transactions not committed, %d sessions", w.link.hit(r), s.Aborts, s.Sessions)
				w.kill() // what is committed must be enough
				p.exactly()
			})
		}
	}
}
