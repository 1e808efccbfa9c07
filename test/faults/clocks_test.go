//go:build e2e

package faults

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// liveRecords are written to each partition as time goes by, 10 a second.
const liveRecords = 150

// clocksApart are topics of which some records are stamped by a clock that is wrong:
// record i of a partition is ahead by what is said here.
var clocksApart = []struct {
	name  string
	ahead func(partition int32, i int) time.Duration
	lost  int // of each partition; none but where it is stated
}{
	{"37 s, half of the records", oneOf(2, 37*time.Second), 0},
	{"37 s, 2 %", oneOf(50, 37*time.Second), 0},
	{"120 s, 1 %", oneOf(100, 120*time.Second), 0},
	{"one record 4 minutes ahead", oneOf(liveRecords, 4*time.Minute), 0},
	{"37 s, in rows", func(_ int32, i int) time.Duration { return time.Duration(i/25%2) * 37 * time.Second }, 0},
	{"37 s, in rows, the first one too", func(_ int32, i int) time.Duration { return time.Duration((i/25+1)%2) * 37 * time.Second }, liveRecords / 2},
	{"three clocks", func(_ int32, i int) time.Duration {
		return []time.Duration{0, -20 * time.Second, 37 * time.Second}[i%3]
	}, 0},
	{"drifts by a second in 10 s", func(_ int32, i int) time.Duration { return time.Duration(i%2*i) * 10 * time.Millisecond }, 0},
	{"set forward by a minute, and back", func(_ int32, i int) time.Duration {
		if i%2 == 0 && i >= 40 && i < 110 {
			return time.Minute
		}
		return 0
	}, 0},
	{"a partition each", func(partition int32, _ int) time.Duration { return time.Duration(partition) * 37 * time.Second }, 0},
}

// oneOf has one of n records be ahead.
func oneOf(n int, d time.Duration) func(int32, int) time.Duration {
	return func(_ int32, i int) time.Duration {
		if i%n == n/2 {
			return d
		}
		return 0
	}
}

// Instruments that share a partition disagree about the time, while it is read as it
// is written, and the worker is killed in the middle of it: no record is late for the clock of
// another, whether one worker has the topic or two, and who reads the topic
// again from its beginning gets the same bytes.
func TestF66ClocksApart(t *testing.T) {
	for _, c := range clocksApart {
		for _, workers := range []int{1, 2} {
			t.Run(fmt.Sprintf("%s, %d workers", c.name, workers), func(t *testing.T) {
				t.Parallel()
				const partitions = 3
				p := onKafka(t)
				p.cfg.Worker.SessionTimeout = time.Second
				a := &p.cfg.Aggregations[0]
				a.Window.IdleAfter, a.Window.MaxFutureSkew, a.MaxWorkers = 5*time.Second, 5*time.Minute, workers
				a.Late = config.Late{Policy: "topic", Topic: p.topic + "-late"}
				p.create(partitions)

				p.base = time.Now().Truncate(time.Second)
				rs := []*running{p.start()}
				for i := 1; i < workers; i++ {
					p.cfg.Worker.ID = fmt.Sprint("b", i)
					rs = append(rs, p.start())
				}
				p.asTimeGoesBy(partitions, 0, liveRecords/2, c.ahead)
				rs[len(rs)-1].kill()
				rs[len(rs)-1] = p.start()
				p.asTimeGoesBy(partitions, liveRecords/2, liveRecords, c.ahead)
				for _, r := range rs {
					r.end()
				}
				p.finish()
				late := p.takeOutLate()
				t.Logf("%d of %d records are late", late, partitions*liveRecords)
				if late > partitions*c.lost {
					t.Errorf("%d records are late, want at most %d", late, partitions*c.lost)
				}
				p.compare(p.rows())
				if c.lost > 0 {
					return // the wall clock may have a say in what is late, which it has not in a replay
				}
				p.cfg.Worker.Group += "-again"
				a.AggregatedTopic = "{source_topic}-again"
				p.finish()
				p.same(p.read(p.topic+"-again"), p.read(p.topic+"-aggregated"))
			})
		}
	}
}

// asTimeGoesBy writes records from one to another of each partition, each when its time
// has come by a right clock.
func (p *place) asTimeGoesBy(partitions int32, from, to int, ahead func(int32, int) time.Duration) {
	p.t.Helper()
	for i := from; i < to; i++ {
		at := time.Duration(i) * 100 * time.Millisecond
		<-time.After(time.Until(p.base.Add(at)))
		var batch []*kgo.Record
		for id := range partitions {
			batch = append(batch, p.record(id, (at+ahead(id, i)).Seconds()))
		}
		must(p.t, p.cl.ProduceSync(p.t.Context(), batch...).FirstErr())
	}
}

// takeOutLate takes the records in the late topic out of what is expected, and
// returns how many there are.
func (p *place) takeOutLate() int {
	p.t.Helper()
	late := p.read(p.topic + "-late")
	for _, r := range late {
		ms, err := strconv.ParseInt(row{Record: r}.header("timestamp"), 10, 64)
		must(p.t, err)
		start := time.UnixMilli(ms).Truncate(p.window().Size).UnixMilli()
		x := math.Float64frombits(binary.LittleEndian.Uint64(r.Value[5:]))
		i := slices.Index(p.sent[start], x)
		if i < 0 {
			p.t.Errorf("late record %v of window %s is there twice, or was not sent", x, p.name(start))
			continue
		}
		if p.sent[start] = slices.Delete(p.sent[start], i, i+1); len(p.sent[start]) == 0 {
			delete(p.sent, start)
		}
	}
	return len(late)
}

// same wants the same aggregated records, but for the id of their schema.
func (p *place) same(got, want []*kgo.Record) {
	p.t.Helper()
	texts := func(rs []*kgo.Record) (out []string) {
		for _, r := range rs {
			out = append(out, fmt.Sprintf("%s at %d: %x %s", r.Key, r.Timestamp.UnixMilli(), r.Value[5:], r.Headers))
		}
		slices.Sort(out)
		return out
	}
	g, w := texts(got), texts(want)
	if !slices.Equal(g, w) {
		p.t.Errorf("read again, the topic gives %d records\n%q\nwant %d\n%q", len(g), g, len(w), w)
	}
}
