//go:build synctests

package sim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
	"github.com/lsst-sqre/kafka-aggregator/internal/worker"
)

// world is one simulation while it runs, inside a bubble.
type world struct {
	t        *testing.T
	plan     *plan
	begin    time.Time
	net      *network
	cluster  *kfake.Cluster
	addrs    []string
	registry *registry
	log      *log
	raw      *kgo.Client // of requests that are made by hand, which name topics

	altered   map[string]chan struct{} // by topic: closed when it is as it was planned at first
	families  [][2]*generator          // as registered; a topic has generators of its own ids
	names     map[int]names            // of their schemas, by id
	slots     []*slot
	extra     atomic.Int64
	ending    sync.WaitGroup // faults under way
	producing sync.WaitGroup
	sampled   sync.WaitGroup
	watching  sync.WaitGroup // supervisors
	stopping  chan struct{}  // closed: no worker is started again
	refused   atomic.Bool    // brokers may have refused records
	smaller   atomic.Bool    // and for what they were, so that letters got smaller

	mu      sync.Mutex
	sent    map[string]*sending // by key of the source record
	samples []commitSample
	outs    map[string][]outSample // by aggregated topic
	helped  int                    // times that the group had to be helped
	procs   []*proc
	unsent  []unsent
	former  map[string]*former // topics that were deleted, by name
}

// sending is what is known of a source record beside what is in the log.
type sending struct {
	sent  time.Time
	acked time.Time // zero: never, as far as the producer knows
	odd   bool      // it is stamped ms, whatever the client reads
	ms    int64
}

func (w *world) must(err error) {
	if err != nil {
		panic(fmt.Sprintf("sim: %v", err))
	}
}

func (w *world) event(format string, args ...any) { w.log.event(format, args...) }

func (w *world) since() time.Duration { return time.Since(w.begin) }

// simulate runs a plan and gives what was read and written.
func simulate(t *testing.T, p *plan, l *log) *facts {
	w := &world{
		t: t, plan: p, begin: time.Now(), net: newNetwork(), log: l, sent: map[string]*sending{}, altered: map[string]chan struct{}{}, names: map[int]names{}, former: map[string]*former{},
		registry: &registry{Registry: sandbox.NewRegistry(), known: map[string][]byte{}}, stopping: make(chan struct{}),
	}
	l.begin = w.begin
	worker.OnUnsent(w.onUnsent)
	defer worker.OnUnsent(nil)
	stuck := time.AfterFunc(time.Hour, func() {
		_, _, _ = l.write("stuck")
		panic(fmt.Sprintf("sim: stuck: seed %d takes more than an hour of virtual time", p.seed))
	})
	defer stuck.Stop()

	w.build()
	defer w.cluster.Close()
	w.produceAll()
	stopSampling := w.sampleCommits()
	if p.audited() {
		w.outs = map[string][]outSample{}
		w.sampled.Go(w.sampleOutputs)
	}
	for i := range p.workers {
		s := &slot{index: i}
		w.slots = append(w.slots, s)
		w.ending.Go(func() {
			time.Sleep(p.workers[i].start)
			w.launch(s)
		})
	}
	if p.resplit > 0 {
		w.ending.Go(func() {
			time.Sleep(p.resplit)
			w.event("over at most %d workers", p.split2)
			for _, s := range w.slots {
				if p := s.take(); p != nil { // else it is on its way
					p.stop()
					<-p.done
					w.launch(s)
				}
			}
		})
	}
	for _, f := range p.faults {
		time.Sleep(f.at - w.since())
		w.strike(f)
	}
	time.Sleep(p.length - w.since())
	w.producing.Wait()
	w.raw.Close()
	w.ending.Wait()
	w.calm()
	w.rest()
	close(w.stopping)
	w.watching.Wait()
	for _, s := range w.slots {
		if p := s.peek(); p != nil {
			p.stop()
		}
	}
	w.mu.Lock()
	procs := slices.Clone(w.procs)
	w.mu.Unlock()
	for _, p := range procs {
		<-p.done
	}
	close(stopSampling)
	w.sampled.Wait()
	w.event("all stopped")
	return w.facts()
}

// build makes cluster, topics and schemas.
func (w *world) build() {
	opts := []kfake.Opt{
		kfake.NumBrokers(brokers), kfake.Ports(9092, 9093, 9094), kfake.ListenFn(w.net.Listen),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "500"}),
	}
	for _, t := range w.plan.topics {
		if t.created == 0 {
			opts = append(opts, kfake.SeedTopics(int32(t.partitions), t.name))
		}
	}
	var err error
	w.cluster, err = kfake.NewCluster(opts...)
	w.must(err)
	w.addrs = w.cluster.ListenAddrs()
	w.cluster.ControlKey(int16(kmsg.Fetch), w.patient)
	for i, t := range w.plan.topics { // the first leaders are random
		for id := range t.partitions {
			if t.created == 0 {
				w.must(w.cluster.MoveTopicPartition(t.name, int32(id), int32((i+id)%brokers)))
			}
		}
		w.altered[t.name] = w.alter(&w.plan.topics[i])
	}
	for _, f := range families {
		var pair [2]*generator
		for i, text := range f {
			id, _, err := w.registry.Schemas.RegisterSchema(familySubject(len(w.families)), sr.Schema{Schema: w.plan.schemaText(text)})
			w.must(err)
			pair[i] = newGenerator(id, text)
			w.names[id] = w.namesOf(familySubject(len(w.families)), i+1)
		}
		w.families = append(w.families, pair)
	}
	if w.plan.register > 0 {
		w.ending.Go(func() {
			time.Sleep(w.plan.register)
			for i, pair := range w.families {
				for k, g := range pair {
					w.registry.Schemas.SeedSchema(fmt.Sprintf("late-family-%d", i), k+1, g.id+unknown, sr.Schema{Schema: w.plan.schemaText(families[i][k])})
				}
			}
		})
	}
}

// patient has brokers hold fetch requests for long when it has been calm for a
// while: that nothing comes is all that a client could learn sooner.
func (w *world) patient(r kmsg.Request) (kmsg.Response, error, bool) {
	if f, ok := r.(*kmsg.FetchRequest); ok && f.MinBytes > 0 && w.since() > w.plan.length+settling && f.MaxWaitMillis > 0 {
		f.MaxWaitMillis = max(f.MaxWaitMillis, int32(patience.Milliseconds()))
	}
	return nil, nil, false
}

// calm ends all faults that have not happened.
func (w *world) calm() {
	w.event("calm")
	for _, s := range w.slots {
		if p := s.peek(); p != nil {
			p.link.calm()
		}
	}
	w.registry.busy(0)
}

// rest waits until all should be delivered.
//
// The fake broker can lose track of who leads a group (completeRebalance goes
// on choosing after it has told members, so the one it waits for may be
// another than the one that was told, and dead), of how many members it waits
// for (removeMember takes off one that waits for SyncGroup, which is not
// counted; then members that rejoin put off the end of the rebalance for
// ever), and keeps a member for good that died while it waited for JoinGroup.
// A group that is stuck in such a way is helped by members that leave.
func (w *world) rest() {
	adm := kadm.NewClient(w.client(w.net.link("observer")))
	defer adm.Close()
	const stuck = 75 * time.Second // longer than a rebalance and a lost connection take
	settled := time.Now()
	for begin := time.Now(); time.Since(begin) < w.plan.calm(); {
		time.Sleep(5 * time.Second)
		groups, err := adm.DescribeGroups(context.Background(), group)
		if g := groups[group]; err != nil || g.Err != nil || g.State == "Stable" && len(g.Members) == len(w.slots) {
			settled = time.Now()
		}
		if time.Since(settled) < stuck {
			continue
		}
		w.helped++
		w.event("the group is stuck (%s, %d members of %d); some leave it for a while", groups[group].State, len(groups[group].Members), len(w.slots))
		leaving := w.slots[min(1, len(w.slots)-1):]
		var ps []*proc
		for _, s := range leaving {
			if p := s.take(); p != nil {
				p.stop()
				ps = append(ps, p)
			}
		}
		for _, p := range ps {
			<-p.done
		}
		time.Sleep(stuck)
		for _, s := range leaving {
			w.launch(s)
		}
		begin, settled = time.Now(), time.Now()
	}
}

// client are the options of a client that is no worker.
func (w *world) client(l *link, more ...kgo.Opt) *kgo.Client {
	cl, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(w.addrs...), kgo.Dialer(l.dial), kgo.MetadataMinAge(500 * time.Millisecond), kgo.MetadataMaxAge(10 * time.Second), kgo.DisableClientMetrics(),
	}, more...)...)
	w.must(err)
	return cl
}

// read is tryRead when nothing is wrong with the cluster.
func (w *world) read(topics ...string) map[string][]*kgo.Record {
	all, err := w.tryRead(topics...)
	w.must(err)
	return all
}

// tryRead reads the committed records of topics to their end, by partition and
// offset.
func (w *world) tryRead(topics ...string) (map[string][]*kgo.Record, error) {
	cl := w.client(w.net.link("reader"), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	defer cl.Close()
	adm := kadm.NewClient(cl)
	ends, err := adm.ListEndOffsets(context.Background(), topics...)
	if err := errors.Join(err, ends.Error()); err != nil {
		return nil, err
	}
	committed, err := adm.ListCommittedOffsets(context.Background(), topics...)
	if err := errors.Join(err, committed.Error()); err != nil {
		return nil, err
	}
	next := map[string]map[int32]kgo.Offset{}
	left := map[string]int64{} // by partition: next offset to read
	ends.Each(func(o kadm.ListedOffset) {
		if c, _ := committed.Lookup(o.Topic, o.Partition); c.Offset != o.Offset {
			w.log.violation("a transaction is left open in %s/%d: end %d, stable %d", o.Topic, o.Partition, o.Offset, c.Offset)
			return
		}
		if o.Offset == 0 {
			return
		}
		if next[o.Topic] == nil {
			next[o.Topic] = map[int32]kgo.Offset{}
		}
		next[o.Topic][o.Partition] = kgo.NewOffset().At(0)
		left[fmt.Sprintf("%s/%d", o.Topic, o.Partition)] = o.Offset
	})
	cl.AddConsumePartitions(next)
	out := map[string][]*kgo.Record{}
	for len(left) > 0 {
		fs := cl.PollFetches(context.Background())
		fs.EachRecord(func(r *kgo.Record) {
			key := fmt.Sprintf("%s/%d", r.Topic, r.Partition)
			if r.Offset+1 >= left[key] {
				delete(left, key)
			}
			if !r.Attrs.IsControl() {
				out[r.Topic] = append(out[r.Topic], r)
			}
		})
	}
	for topic, rs := range out {
		slices.SortStableFunc(rs, func(a, b *kgo.Record) int {
			if a.Partition != b.Partition {
				return int(a.Partition - b.Partition)
			}
			return int(a.Offset - b.Offset)
		})
		out[topic] = slices.CompactFunc(rs, func(a, b *kgo.Record) bool { return a.Partition == b.Partition && a.Offset == b.Offset }) // read again after an error
	}
	return out, nil
}

// facts reads all that there is to judge.
func (w *world) facts() *facts {
	f := &facts{
		plan: w.plan, begin: w.begin, sent: w.sent, samples: w.samples, helped: w.helped, schemas: map[int]string{}, names: w.names,
		outs: w.outs, unsent: w.unsent, former: w.former, refused: w.refused.Load(), smaller: w.smaller.Load(),
	}
	cl := w.client(w.net.link("admin"))
	defer cl.Close()
	all, err := kadm.NewClient(cl).ListTopics(context.Background())
	w.must(err)
	f.ids = map[string]string{}
	for name, t := range all {
		f.ids[name] = topicID(t.ID[:])
	}
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(all)), func(t string) bool { return strings.HasPrefix(t, "__") || strings.HasPrefix(t, group+"-partials-") })
	f.records = w.read(names...)
	for _, first := range []int{1, unknown + 1} {
		for id := first; ; id++ {
			text, ok := w.registry.schema(id)
			if !ok {
				break
			}
			f.schemas[id] = text
		}
	}
	for _, p := range w.procs {
		p.judge(w)
	}
	return f
}
