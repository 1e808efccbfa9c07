//go:build e2e

package faults

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
)

// Two workers have the same id. The first one is fenced, says why, and ends.
func TestF20SameID(t *testing.T) {
	p := onKafka(t)
	p.create(2)
	a := p.start()
	p.fill(0, 0, 4)
	p.fill(1, 0, 4)
	a.windows(2)
	b := p.start()
	err := a.wait()
	if !errors.Is(err, kerr.FencedInstanceID) || !strings.Contains(err.Error(), `another worker has the id "a"`) {
		t.Errorf("the first worker ended with %v", err)
	}
	p.fill(0, 4, 8)
	p.fill(1, 4, 8)
	b.windows(4)
	b.end()
	p.exactly()
}

// All members are away for longer than the brokers keep offsets. What is out
// is found in the aggregated topic, and nothing comes out twice.
func TestF21OffsetsExpired(t *testing.T) {
	t.Parallel()
	p := onKafka(t)
	p.create(2)
	w := p.start()
	p.fill(0, 0, 5)
	p.fill(1, 0, 5)
	w.windows(3)
	w.end()
	p.settled(30)
	begin := time.Now()
	for p.offset(0) >= 0 || p.offset(1) >= 0 {
		if time.Since(begin) > 4*time.Minute {
			t.Fatal("the offsets do not expire")
		}
		time.Sleep(time.Second)
	}
	t.Logf("the offsets expired %.0f s after the worker's end", time.Since(begin).Seconds())
	p.fill(0, 5, 8)
	p.fill(1, 5, 8)
	p.exactly()
}

// settled waits until the offsets of the last transaction are visible: the
// broker finishes it after it has answered.
func (p *place) settled(offset int64) {
	p.t.Helper()
	for begin := time.Now(); p.offset(0) < offset; time.Sleep(10 * time.Millisecond) {
		if time.Since(begin) > time.Minute {
			p.t.Fatalf("offset %d, want %d", p.offset(0), offset)
		}
	}
}

// offset is what the group has committed for a partition, -1 for nothing.
func (p *place) offset(partition int32) int64 {
	p.t.Helper()
	all, err := p.adm.FetchOffsets(p.t.Context(), p.cfg.Worker.Group)
	must(p.t, err)
	if o, ok := all.Lookup(p.topic, partition); ok {
		return o.At
	}
	return -1
}

func (p *place) metadata(partition int32) string {
	p.t.Helper()
	all, err := p.adm.FetchOffsets(p.t.Context(), p.cfg.Worker.Group)
	must(p.t, err)
	o, _ := all.Lookup(p.topic, partition)
	return o.Metadata
}

// commit sets the group's offset, as another program would.
func (p *place) commit(partition int32, offset int64, metadata string) {
	p.t.Helper()
	var os kadm.Offsets
	os.Add(kadm.Offset{Topic: p.topic, Partition: partition, At: offset, LeaderEpoch: -1, Metadata: metadata})
	done, err := p.adm.CommitOffsets(p.t.Context(), p.cfg.Worker.Group, os)
	must(p.t, err)
	must(p.t, done.Error())
}

// empty waits until the group has no members: the static ones are forgotten
// after the session timeout.
func (p *place) empty() {
	p.t.Helper()
	instance := p.cfg.Worker.Group + "-" + p.cfg.Worker.ID
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group = p.cfg.Worker.Group
	m := kmsg.NewLeaveGroupRequestMember()
	m.InstanceID = &instance
	req.Members = append(req.Members, m)
	_, err := req.RequestWith(p.t.Context(), p.cl) // it may be gone
	must(p.t, err)
}

// stopped is a place with one partition, whose worker has read five seconds of
// it and is gone, so that the group's offsets can be altered.
func stopped(t *testing.T) *place {
	p := onKafka(t)
	p.create(1)
	w := p.start()
	p.fill(0, 0, 5)
	w.windows(3)
	w.end()
	p.settled(30)
	p.empty()
	return p
}

// The group is deleted, its offsets are set back, forward, and beyond the end.
func TestF22OffsetsAltered(t *testing.T) {
	t.Run("group deleted", func(t *testing.T) {
		p := stopped(t)
		_, err := p.adm.DeleteGroup(t.Context(), p.cfg.Worker.Group)
		must(t, err)
		p.fill(0, 5, 7)
		p.exactly()
	})
	// Whoever sets offsets back wants the windows again: they come with the
	// same keys and bytes.
	t.Run("back", func(t *testing.T) {
		p := stopped(t)
		p.commit(0, 10, "")
		p.fill(0, 5, 7)
		p.finish()
		first := map[string]row{}
		again := 0
		var once []row
		for _, r := range p.rows() {
			if f, ok := first[string(r.Key)]; ok {
				again++
				if string(f.Value) != string(r.Value) {
					t.Errorf("window %s has other bytes the second time", p.name(r.start))
				}
				continue
			}
			first[string(r.Key)] = r
			once = append(once, r)
		}
		if again != 2 { // 1 and 2; 0 lies before the offset
			t.Errorf("%d windows came again, want 2", again)
		}
		p.compare(once)
	})
	t.Run("forward", func(t *testing.T) {
		p := stopped(t)
		p.fill(0, 5, 8)
		p.commit(0, 60, "")
		p.finish()
		p.forget(3, 6) // skipped on request
		p.compare(p.rows())
	})
	t.Run("beyond the end", func(t *testing.T) {
		p := stopped(t)
		p.commit(0, 1000, p.metadata(0))
		before := len(p.rows())
		w := p.start()
		s := w.status("problem", func(s status) bool { return len(s.Topics) == 1 && s.Topics[0].Problem() != "" })
		t.Log(s.Topics[0].Problem())
		if s.Ready || !strings.Contains(s.Topics[0].Problem(), "beyond the end") {
			t.Errorf("ready %v, problem %q", s.Ready, s.Topics[0].Problem())
		}
		w.end()
		if p.offset(0) != 1000 || len(p.rows()) != before {
			t.Errorf("offset %d, %d windows: nothing may change", p.offset(0), len(p.rows()))
		}
		// As the text says: reset the offsets.
		p.empty()
		p.commit(0, 30, "")
		p.exactly()
	})
}

// The metadata of an offset are not what this worker wrote.
func TestF30Metadata(t *testing.T) {
	for what, change := range map[string]func(string) string{
		"of a newer version": func(m string) string { return "ka9." + m[4:] },
		"corrupt":            func(m string) string { return m[:20] + "AAAA" + m[24:] },
		"cut":                func(m string) string { return m[:50] },
		"of another program": func(string) string { return `{"position":17}` },
	} {
		t.Run(what, func(t *testing.T) {
			p := stopped(t)
			offset, good := p.offset(0), p.metadata(0)
			p.commit(0, offset, change(good))
			w := p.start()
			s := w.status("problem", func(s status) bool { return len(s.Topics) == 1 && s.Topics[0].Problem() != "" })
			t.Log(s.Topics[0].Problem())
			if s.Ready {
				t.Error("ready")
			}
			w.end()
			if p.offset(0) != offset || p.metadata(0) != change(good) {
				t.Error("the offset was changed")
			}
			p.empty()
			p.commit(0, offset, good)
			p.exactly()
		})
	}
	t.Run("of another cluster", func(t *testing.T) {
		p := stopped(t)
		c, err := agent.DecodeCheckpoint(p.metadata(0))
		must(t, err)
		c.Cluster++
		c.Head, c.Hash = c.Head+100, 1 // of that other log
		p.commit(0, p.offset(0), c.Encode())
		p.exactly()
	})
	// The broker takes less metadata than a checkpoint has.
	t.Run("too large", func(t *testing.T) {
		p := onFake(t)
		p.create(1)
		h := p.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Err: kerr.OffsetMetadataTooLarge, Count: -1})
		w := p.start()
		p.fill(0, 0, 5)
		t.Log(w.logged("level=WARN", "OFFSET_METADATA_TOO_LARGE"))
		s := w.status("not ready", func(s status) bool { return !s.Ready && strings.Contains(s.Reason, "OFFSET_METADATA_TOO_LARGE") })
		t.Log(s.Reason)
		h.Remove()
		w.windows(3)
		w.end()
		p.exactly()
	})
}
