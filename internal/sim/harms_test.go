//go:build synctests

package sim

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Harms are faults of one topic. What they do to it is no reason for the others
// to wait.

// drawRefusals has topics that workers write to refuse records for a time: with
// an error code, a few times or always, or what is larger than a limit; or they
// seem to be gone.
func (p *plan) drawRefusals(rng *rand.Rand) {
	n := choose(rng, 0, 0, 0, 1, 1, 2)
	if forced("refused") {
		n = 1 + rng.IntN(3)
	}
	for range n {
		source := p.topics[rng.IntN(len(p.topics))].name
		f := fault{
			at: between(rng, time.Second, p.length-5*time.Second), what: choose(rng, "refuse", "refuse", "refuse", "refuse", "gone", "limit"),
			length: choose(rng, between(rng, time.Second, 5*time.Second), between(rng, 5*time.Second, 20*time.Second), between(rng, 30*time.Second, 50*time.Second)),
			topic:  choose(rng, deadTopic, deadTopic, lateTopic, source+suffix, source+suffix, partials(source)),
		}
		switch f.what {
		case "refuse":
			f.err = choose(rng, kerr.MessageTooLarge, kerr.MessageTooLarge, kerr.InvalidRecord, kerr.TopicAuthorizationFailed, kerr.UnknownTopicOrPartition, kerr.PolicyViolation, kerr.InvalidTimestamp)
			f.count = choose(rng, 0, 0, 1, 2, 3)
		case "limit":
			f.count = 100 + rng.IntN(400)
		}
		p.faults = append(p.faults, f)
	}
}

// drawLeaderless takes the leader of a partition away for a time. Workers are
// started again meanwhile, when they have to find out where to read.
func (p *plan) drawLeaderless(rng *rand.Rand) {
	if rng.IntN(3) > 0 && !forced("leaderless") {
		return
	}
	t := p.topics[rng.IntN(len(p.topics))]
	f := fault{
		at: between(rng, 5*time.Second, p.length-30*time.Second), what: "leaderless", length: choose(rng, between(rng, time.Second, 10*time.Second), between(rng, 25*time.Second, 45*time.Second)),
		topic: choose(rng, t.name, t.name, t.name, t.name+suffix, t.name+suffix, deadTopic, lateTopic, partials(t.name)),
	}
	if f.topic == t.name {
		f.partition = int32(rng.IntN(t.all()))
	}
	if f.topic == t.name+suffix {
		f.partition = int32(rng.IntN(p.outPartitions))
	}
	p.faults = append(p.faults, f)
	for i := range p.workers {
		if rng.IntN(2) == 0 {
			p.faults = append(p.faults, fault{at: f.at + between(rng, time.Second, 8*time.Second), what: "restart", worker: i, length: between(rng, 10*time.Millisecond, 2*time.Second)})
		}
	}
}

// partials is the name of the topic with the partials of a source topic.
func partials(source string) string { return group + "-partials-" + source }

// drawPieces has offsets committed in several requests, of which the coordinator
// refuses some as too large.
func (p *plan) drawPieces(rng *rand.Rand) {
	pieces := 150 + rng.IntN(800)
	if rng.IntN(4) > 0 && !forced("pieces") {
		return
	}
	p.pieces = pieces
	for range rng.IntN(4) {
		p.faults = append(p.faults, fault{at: between(rng, time.Second, p.length), what: "pieces", length: between(rng, time.Second, 20*time.Second), count: 1 + rng.IntN(4)})
	}
}

// harm lets a fault of one topic happen.
func (w *world) harm(f fault) {
	switch f.what {
	case "refuse":
		count := f.count
		if count == 0 {
			count = -1
		}
		w.answer(f, kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: f.topic, Err: f.err, Count: count})
	case "gone":
		w.answer(f, kfake.Fault{Keys: []kmsg.Key{kmsg.Produce, kmsg.Metadata, kmsg.ListOffsets}, Topic: f.topic, Err: kerr.UnknownTopicOrPartition, Count: -1})
	case "leaderless":
		w.refusing(f)
		w.answer(f,
			kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets, kmsg.Fetch, kmsg.Produce}, Topic: f.topic, Partitions: []int32{f.partition}, Err: kerr.NotLeaderForPartition, Count: -1},
			kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Topic: f.topic, Partitions: []int32{f.partition}, Err: kerr.LeaderNotAvailable, Count: -1},
		)
	case "limit":
		limit := strconv.Itoa(f.count)
		w.ending.Go(func() {
			w.refusing(f)
			w.configure(f.topic, kadm.AlterConfig{Op: kadm.SetConfig, Name: "max.message.bytes", Value: &limit}, f.length)
			w.configure(f.topic, kadm.AlterConfig{Op: kadm.DeleteConfig, Name: "max.message.bytes"}, time.Hour)
		})
	case "pieces":
		w.answer(f, kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit, kmsg.TxnOffsetCommit}, Err: kerr.InvalidCommitOffsetSize, Count: -1, When: func(r kmsg.Request) bool { return offsetsIn(r) > f.count }})
	default:
		panic("sim: fault " + f.what)
	}
}

// offsetsIn is how many partitions' offsets a request commits.
func offsetsIn(r kmsg.Request) (n int) {
	switch r := r.(type) {
	case *kmsg.OffsetCommitRequest:
		for _, t := range r.Topics {
			n += len(t.Partitions)
		}
	case *kmsg.TxnOffsetCommitRequest:
		for _, t := range r.Topics {
			n += len(t.Partitions)
		}
	}
	return n
}

// configure changes a setting of a topic for a time; if the topic is not there
// yet, as soon as it is.
func (w *world) configure(topic string, how kadm.AlterConfig, length time.Duration) {
	end := time.Now().Add(length)
	adm := kadm.NewClient(w.client(w.net.link("operator")))
	defer adm.Close()
	for time.Now().Before(end) {
		rs, err := adm.AlterTopicConfigs(context.Background(), []kadm.AlterConfig{how}, topic)
		if err == nil && len(rs) == 1 && (rs[0].Err == nil || how.Op == kadm.DeleteConfig && errors.Is(rs[0].Err, kerr.UnknownTopicOrPartition)) {
			break
		}
		time.Sleep(min(time.Second, time.Until(end)))
	}
	if how.Op == kadm.SetConfig {
		time.Sleep(time.Until(end))
	}
}

// refusing notes that brokers have refused records, or may not have acknowledged
// them in time.
func (w *world) refusing(f fault) {
	switch {
	case f.what == "error" && f.key != kmsg.Produce, f.what == "pieces":
		return
	case f.what == "limit", f.err != nil && slices.Contains([]*kerr.Error{kerr.MessageTooLarge, kerr.InvalidRecord}, f.err):
		w.smaller.Store(true)
	}
	w.refused.Store(true)
}
