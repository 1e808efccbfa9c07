package worker_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

// Each kind of bad record goes to the dead-letter topic with where it came
// from and why; it is counted; and its window has all good records.
func TestBadRecords(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.topic("t0", 1)
	id := b.schema("t0", xField+`,{"name":"a","type":{"type":"array","items":"float"}}`)
	good := b.record(id, map[string]any{"x": 1.0, "a": []float32{1, 2}})
	announced := append(registry.AppendHeader(nil, id), double(1)...)
	announced = binary.AppendVarint(announced, 1_000_000_000)
	cases := []struct {
		name  string
		value []byte
		err   string // part of the header
	}{
		{"wrong magic byte", append([]byte{9}, good[1:]...), "first byte is 0x09"},
		{"fewer than 5 bytes", good[:4], "bytes"},
		{"empty", []byte{}, "bytes"},
		{"unknown schema id", append(registry.AppendHeader(nil, 4711), good[5:]...), "schema not found"},
		{"schema id 0", append(registry.AppendHeader(nil, 0), good[5:]...), "schema not found"},
		{"five zero bytes", make([]byte, 5), "schema not found"},
		{"the largest schema id", append(registry.AppendHeader(nil, math.MaxInt32), good[5:]...), "schema not found"},
		{"a schema id beyond 31 bits", []byte{0, 0xff, 0xff, 0xff, 0xff, 0}, "negative"},
		{"truncated", good[:len(good)-3], "field a"},
		{"only the header", good[:5], "field x"},
		{"overlong", append(good[:len(good):len(good)], 0, 0), "2 bytes"},
		{"an array of a billion elements", announced, "field a"},
	}
	b.send("t0", 0, 0, good)
	for _, c := range cases {
		b.send("t0", 0, 0.1, c.value)
		b.send("t0", 0, 0.2, good)
	}
	b.send("t0", 0, 0.3, nil)
	w := b.start()
	wantKeys(t, b.read("t0-aggregated", 1), "0:"+strconv.Itoa(1+len(cases)))
	letters := b.records(b.cfg.DeadLetterTopic, len(cases))
	for i, c := range cases {
		h := headers(letters[i])
		if h["topic"] != "t0" || h["partition"] != "0" || h["offset"] != strconv.Itoa(1+2*i) || !strings.Contains(h["error"], c.err) {
			t.Errorf("%s: headers %v, want an error with %q", c.name, h, c.err)
		}
		if string(letters[i].Value) != string(c.value) {
			t.Errorf("%s: value %x, want %x", c.name, letters[i].Value, c.value)
		}
	}
	s := w.status("the window", func(s status.Status) bool { return len(s.Topics) == 1 && s.Topics[0].Windows == 1 })
	if got := s.Topics[0]; got.DeadLettered != int64(len(cases)) || got.Tombstones != 1 || got.Records != int64(2+2*len(cases)) {
		t.Errorf("status %+v", got)
	}
	w.end()
	b.send("t0", 0, 5, good)
	b.exactly("t0-aggregated")
	if n := b.count(b.cfg.DeadLetterTopic); n != len(cases) {
		t.Errorf("%d dead letters after a restart, want %d", n, len(cases))
	}
}

// Bad records whose window is open are read again after a restart, but not
// dead-lettered again.
func TestDeadLettersAreNotRepeated(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.cfg.Aggregations[0].Window.IdleAfter = time.Hour
	b.topic("t0", 1)
	id := b.schema("t0", xField)
	good := b.record(id, map[string]any{"x": 1.0})
	b.send("t0", 0, 0, good)
	b.send("t0", 0, 0, []byte("bad"))
	w := b.start()
	b.records(b.cfg.DeadLetterTopic, 1)
	w.end()
	b.send("t0", 0, 0.5, good)
	wantKeys(t, b.exactly("t0-aggregated"), "0:2")
	if n := b.count(b.cfg.DeadLetterTopic); n != 1 {
		t.Errorf("%d dead letters, want 1", n)
	}
}

func TestNoDeadLetterTopic(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.cfg.DeadLetterTopic = ""
	b.topic("t0", 1)
	id := b.schema("t0", xField)
	b.send("t0", 0, 0, []byte("bad"))
	b.send("t0", 0, 0, b.record(id, map[string]any{"x": 1.0}))
	w := b.start()
	wantKeys(t, b.read("t0-aggregated", 1), "0:1")
	w.status("a bad record", func(s status.Status) bool { return len(s.Topics) == 1 && s.Topics[0].DeadLettered == 1 })
}

func TestLateAndFutureRecords(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	a := &b.cfg.Aggregations[0]
	a.Late.Policy, a.Late.Topic = "topic", "late"
	b.topic("t0", 1)
	id := b.schema("t0", xField)
	v := b.record(id, map[string]any{"x": 1.0})
	want := []string{"0:1", "3:1", "4:1", "5:1", "6:1"}
	for i := range 128 { // the beginning of the partition, when none is late
		at := 2 * (i - 128)
		b.send("t0", 0, float64(at), v)
		want = append(want, fmt.Sprintf("%d:1", at))
	}
	b.send("t0", 0, 0, v)
	b.sendAt("t0", 0, time.Now().Add(24*time.Hour), v) // must not make the honest records late
	b.send("t0", 0, 3, v)
	b.send("t0", 0, 5, v)
	b.send("t0", 0, 4.5, v) // out of order within the grace
	b.send("t0", 0, 2.5, v) // late
	b.send("t0", 0, 6, v)
	w := b.start()
	wantKeys(t, b.read("t0-aggregated", len(want)), want...)
	late := b.records("late", 1)[0]
	if h := headers(late); h["offset"] != "133" || h["window"] != "t0||"+strconv.FormatInt(base.Add(2*time.Second).UnixMilli(), 10)+"|1000" {
		t.Errorf("late record: headers %v", h)
	}
	letter := b.records(b.cfg.DeadLetterTopic, 1)[0]
	if h := headers(letter); h["offset"] != "129" || !strings.Contains(h["error"], "ahead of the clock") {
		t.Errorf("future record: headers %v", h)
	}
	s := w.status("the windows", func(s status.Status) bool { return len(s.Topics) == 1 && s.Topics[0].Windows == int64(len(want)) })
	if got := s.Topics[0]; got.Late != 1 || got.LateByClock != 0 || got.Future != 1 || got.DeadLettered != 0 {
		t.Errorf("status %+v", got)
	}
	if want := "records=1 by_order=1 by_clock=0 up_to=2.5s"; !strings.Contains(w.logs.String(), want) {
		t.Errorf("no %q in the log", want)
	}
}

// Records that are late because the clock has closed their window are told apart.
func TestLateByClock(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.topic("t0", 1)
	id := b.schema("t0", xField)
	v := b.record(id, map[string]any{"x": 1.0})
	w := b.start()
	b.send("t0", 0, 0.1, v)
	wantKeys(t, b.read("t0-aggregated", 1), "0:1") // by the clock
	w.status("the window", func(s status.Status) bool { return s.Topics[0].Windows == 1 })
	for range 3 {
		b.send("t0", 0, 0.2, v)
	}
	b.send("t0", 0, 1, v) // of a window that had no record
	wantKeys(t, b.read("t0-aggregated", 2), "0:1", "1:1")
	s := w.status("all records", func(s status.Status) bool { return s.Topics[0].Windows == 2 })
	if got := s.Topics[0]; got.Late != 3 || got.LateByClock != 3 {
		t.Errorf("status %+v", got)
	}
	if log := w.logs.String(); strings.Count(log, "records are late") != 1 || !strings.Contains(log, "by_order=0") || !strings.Contains(log, "window.idle_after") {
		t.Errorf("the log tells %d times of late records", strings.Count(log, "records are late"))
	}
}

// Timestamps that no window has are told as what they are: microseconds are
// ahead of the clock, -1 is none; and neither moves time. Those before 1970
// have windows like any other.
func TestTimestampsOutOfRange(t *testing.T) {
	t.Parallel()
	b := newBench(t, sandbox.Options{})
	b.topic("t0", 1)
	id := b.schema("t0", xField)
	v := b.record(id, map[string]any{"x": 1.0})
	b.sendAt("t0", 0, time.UnixMilli(-86_400_000), v)    // 1969-12-31
	b.sendAt("t0", 0, time.Unix(base.Unix()/1000, 0), v) // seconds taken for ms: 1970
	b.send("t0", 0, 0, v)
	b.sendRaw("t0", 0, base.UnixMicro(), v) // microseconds taken for ms
	b.sendRaw("t0", 0, -1, v)
	b.sendRaw("t0", 0, -base.UnixMicro(), v)
	b.sendRaw("t0", 0, 253_402_300_799_999, v)
	b.send("t0", 0, 0.5, v)
	w := b.start()
	rows := b.read("t0-aggregated", 3)
	for i, want := range []time.Time{time.UnixMilli(-86_400_000), time.Unix(base.Unix()/1000, 0), base} {
		if got := rows[i].start(); !got.Equal(want) || rows[i].fields["count"] != []any{int64(1), int64(1), int64(2)}[i] {
			t.Errorf("window %d: %v, count %v, want %v", i, got, rows[i].fields["count"], want)
		}
	}
	for i, want := range []string{"are these microseconds?", "no timestamp", "before the year 1678", "9999-12-31"} {
		letter := b.records(b.cfg.DeadLetterTopic, 4)[i]
		if h := headers(letter); h["offset"] != strconv.Itoa(3+i) || !strings.Contains(h["error"], want) {
			t.Errorf("headers %v, want offset %d and an error with %q", h, 3+i, want)
		}
	}
	s := w.status("the windows", func(s status.Status) bool { return len(s.Topics) == 1 && s.Topics[0].Windows == 3 })
	if got := s.Topics[0]; got.Late != 0 || got.Future != 2 || got.DeadLettered != 2 {
		t.Errorf("status %+v", got)
	}
}
