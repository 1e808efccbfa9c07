//go:build e2e

package faults

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/test/kafka"
)

// One worker has 8,000 partitions (F59_PARTITIONS): half of them of one topic,
// the rest of four. All have to be committed together, with windows and without;
// what the brokers note of that is more than one batch of the topic
// __consumer_offsets takes.
func TestF59ManyPartitions(t *testing.T) {
	all := 8000
	if text := os.Getenv("F59_PARTITIONS"); text != "" {
		var err error
		all, err = strconv.Atoi(text)
		must(t, err)
	}
	step := stopwatch(t)
	// A broker has a file open for each partition: no more than a process may
	// have. To make one is to write to the disk several times.
	cluster := startBrokers(t, (all+9999)/10_000, kafka.Options{Heap: "1g", Dir: inMemory(t)})
	m := &many{place: onCluster(t, cluster)}
	m.cfg.Worker.SessionTimeout = 30 * time.Second
	most := min(all/2, 6000) // a controller makes fewer than 10,000 at once
	m.add(m.place, most)
	for i := range 4 {
		m.add(m.beside(fmt.Sprint("t", i)), (all-most)/4)
	}
	step("%d partitions were made", all)
	m.send(0.5, 1.5, 2.5, 3.5)
	step("their records were written")

	box := m.processes()
	box.worker = ", commit_interval: 2s" // windows of all topics go out together
	w := box.start("a")
	m.reach(2, 2*time.Minute)
	step("the first windows of all topics were out")
	m.send(4.5, 5.5)
	m.reach(4, time.Minute)
	step("more was written, and the next windows were out")
	m.committed(4, 6)
	step("all was committed")
	m.send(5.6) // makes no window final
	m.read(box, 7)
	w.Terminate(30 * time.Second)
	m.committed(4, 7)
	step("a record without a window was written to each, and committed at the end")
	t.Logf("the worker took %.1f s of processor time and %.0f MiB", w.CPU().Seconds(), w.Peak)
	m.finish()
	step("another one has read to the end")
	for _, q := range m.all {
		q.compare(q.rows())
	}
}

// many are topics with many partitions.
type many struct {
	*place
	all        []*place
	partitions map[*place]int32
}

func (m *many) add(p *place, partitions int) {
	m.t.Helper()
	if m.partitions == nil {
		m.partitions = map[*place]int32{}
	}
	m.all = append(m.all, p)
	m.partitions[p] = int32(partitions)
	p.create(int32(partitions))
}

// send writes records to each partition.
func (m *many) send(seconds ...float64) {
	m.t.Helper()
	for _, q := range m.all {
		var rs []*kgo.Record
		for id := range m.partitions[q] {
			for _, at := range seconds {
				rs = append(rs, q.record(id, at))
			}
		}
		must(m.t, m.cl.ProduceSync(m.t.Context(), rs...).FirstErr())
	}
}

func (m *many) reach(rows int, within time.Duration) {
	m.t.Helper()
	for _, q := range m.all {
		q.reach(rows, within)
	}
}

// read waits until the worker has read each partition up to an offset.
func (m *many) read(box *processes, offset int64) {
	m.t.Helper()
	for begin := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		s, _ := box.status("a")
		n := 0
		for _, topic := range s.Topics {
			for _, part := range topic.Partitions {
				if part.Position == offset {
					n++
				}
			}
		}
		if n == m.count() {
			return
		}
		if time.Since(begin) > time.Minute {
			m.t.Fatalf("of %d partitions %d are read up to %d", m.count(), n, offset)
		}
	}
}

// count is of all partitions.
func (m *many) count() (n int) {
	for _, partitions := range m.partitions {
		n += int(partitions)
	}
	return n
}

// committed waits until each partition has an offset, and a checkpoint that
// says how far it was read.
func (m *many) committed(offset, head int64) {
	m.t.Helper()
	for begin := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		offsets, err := m.adm.FetchOffsets(m.t.Context(), m.cfg.Worker.Group)
		must(m.t, err)
		n := 0
		offsets.Each(func(o kadm.OffsetResponse) {
			if c, err := agent.DecodeCheckpoint(o.Metadata); o.At == offset && err == nil && c.Head == head {
				n++
			}
		})
		if n == m.count() {
			return
		}
		if time.Since(begin) > time.Minute {
			m.t.Fatalf("of %d partitions %d are committed at offset %d and read up to %d", m.count(), n, offset, head)
		}
	}
}

// inMemory is a folder that is not on a disk, if there is such a thing.
func inMemory(t *testing.T) string {
	t.Helper()
	const memory = "/dev/shm"
	if info, err := os.Stat(memory); err != nil || !info.IsDir() {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(memory, "faults-")
	must(t, err)
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// stopwatch logs how long each step took.
func stopwatch(t *testing.T) func(what string, args ...any) {
	began := time.Now()
	return func(what string, args ...any) {
		t.Helper()
		t.Logf("%5.1f s: %s", time.Since(began).Seconds(), fmt.Sprintf(what, args...))
		began = time.Now()
	}
}
