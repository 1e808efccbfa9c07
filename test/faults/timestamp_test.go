//go:build e2e

package faults

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"
)

// old writes a record that belongs into a window of its time.
func (p *place) old(ms int64) {
	p.t.Helper()
	p.stamp(ms)
	size := p.window().Size.Milliseconds()
	start := ms - (ms%size+size)%size
	p.sent[start] = append(p.sent[start], p.n)
}

// anyTime creates the topic so that it takes all timestamps.
func (p *place) anyTime() {
	p.t.Helper()
	p.create(1, "message.timestamp.before.max.ms", "9223372036854775807", "message.timestamp.after.max.ms", "9223372036854775807", "retention.ms", "-1")
}

// oddTime is a timestamp that is no time of today.
type oddTime struct {
	name string
	ms   int64
	want string // what a record becomes: future, bad, late; "": any of these
}

// Records that are stamped with something else than milliseconds since 1970.
// What is no time is bad; what lies beyond the future that is allowed is set
// aside as that, however far; what is an old time is one. None of it moves time
// for the others, and no window comes of a time that nobody has stamped.
func TestF56Timestamps(t *testing.T) {
	now := time.Now()
	aside := []oddTime{
		{"none", -1, "bad"},
		{"microseconds", now.UnixMicro(), "future"},
		{"nanoseconds", now.UnixNano(), "future"},
		{"the year 9999", time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).UnixMilli(), "future"},
		{"the last nanosecond", math.MaxInt64/1_000_000 + 1, "future"},
		{"zero", 0, "late"},
		{"seconds", now.Unix(), "late"},
		{"before 1970", -86_400_000, "late"},
		{"the year 1600", time.Date(1600, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli(), ""},
		// The client gives timestamps in nanoseconds, as far as these go; the first
		// and the last number come out as 0 and -1.
		{"the first number", math.MinInt64, ""},
		{"the last number", math.MaxInt64, ""},
	}
	t.Run("among good ones", func(t *testing.T) {
		p := onKafka(t)
		p.anyTime()
		w := p.start()
		p.fill(0, 0, 3)
		p.reach(1, patience, w)
		want := map[string]int64{}
		names := map[int64]string{} // by offset
		for i, c := range aside {
			names[p.stamp(c.ms)] = c.name
			want[c.want]++
			p.fill(0, 3+float64(i), 4+float64(i))
		}
		end := 3 + len(aside)
		p.reach(end-2, patience, w)
		w.end()
		p.exactly()
		s := w.Status()
		got := p.of(s)
		t.Logf("%d future, %d bad, %d late", got.Future, got.DeadLettered, got.Late)
		if free := want[""]; got.Future < want["future"] || got.DeadLettered < want["bad"] || got.Late < want["late"] ||
			got.Future+got.DeadLettered+got.Late != int64(len(aside)) {
			t.Errorf("want %d, %d, %d and %d in any of these", want["future"], want["bad"], want["late"], free)
		}
		for _, l := range p.read(p.cfg.DeadLetterTopic) {
			r := row{Record: l}
			for offset, name := range names {
				if r.header("offset") != strconv.FormatInt(offset, 10) {
					continue
				}
				t.Logf("%s: %s", name, r.header("error"))
				if name == "none" && !strings.Contains(r.header("error"), "no timestamp") {
					t.Errorf("%s: the reason is %q", name, r.header("error"))
				}
			}
		}
	})
	// The first records of a partition are from the future, or have no time.
	t.Run("at the start", func(t *testing.T) {
		p := onKafka(t)
		p.anyTime()
		for _, ms := range []int64{now.UnixMicro(), -1, now.UnixNano()} {
			p.stamp(ms)
		}
		p.fill(0, 0, 5)
		w := p.start()
		p.reach(3, patience, w)
		w.end()
		p.exactly()
		if s := p.of(w.Status()); s.Future != 2 || s.DeadLettered != 1 || s.Late != 0 {
			t.Errorf("%d future, %d bad, %d late, want 2, 1 and 0", s.Future, s.DeadLettered, s.Late)
		}
	})
	// Old times are times: their windows come.
	t.Run("old", func(t *testing.T) {
		p := onKafka(t)
		p.anyTime()
		for _, ms := range []int64{-86_400_000, -86_399_500, -999, 0, 1, 999, now.Unix(), now.Unix() + 1} {
			p.old(ms)
		}
		p.fill(0, 0, 5)
		w := p.start()
		p.reach(len(p.sent)-2, patience, w)
		w.end()
		p.exactly()
		if s := p.of(w.Status()); s.Future+s.DeadLettered+s.Late != 0 {
			t.Errorf("%d future, %d bad, %d late, want none", s.Future, s.DeadLettered, s.Late)
		}
	})
}
