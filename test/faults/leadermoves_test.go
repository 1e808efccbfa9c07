//go:build e2e

package faults

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The leader of a partition moves: for a while whoever is asked for its offsets
// says that it is not the leader. Nobody has said that the topic is gone. The
// client's memory of all topics lacks it then, for a moment.
func TestF52LeaderMoves(t *testing.T) {
	p := onFake(t)
	p.window().IdleAfter = 300 * time.Millisecond
	p.create(1)
	bad := p.beside("bad")
	bad.create(1)
	w := p.start()
	p.fill(0, 0, 3)
	bad.fill(0, 0, 3)
	p.reach(3, patience, w)
	bad.reach(3, patience, w)

	moving := p.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: bad.topic, Err: kerr.NotLeaderForPartition, Count: -1})
	p.fill(0, 10, 13)
	bad.fill(0, 10, 13)
	p.reach(6, patience, w)
	w.status("asked often", func(status) bool { return moving.Hits() >= 30 })
	moving.Remove()
	bad.reach(6, patience, w)
	if s := w.Status(); s.Sessions != 1 {
		t.Errorf("%d sessions", s.Sessions)
	}
	w.end()
	if text := w.logs.String(); strings.Contains(text, "gone") {
		t.Errorf("a topic was taken for gone:\n%s", text)
	}
	p.finish()
	p.compare(p.rows())
	bad.compare(bad.rows())
}
