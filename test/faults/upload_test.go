//go:build e2e

package faults

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Records are collected and come in uploads: the partition is silent for longer
// than idle_after, the clock closes the last window, and then a batch comes that
// is in order. Nothing of it is late, for no window of it was out; but for the
// window in which the upload before ended, if it ended in the middle of one.
func TestF55Uploads(t *testing.T) {
	for _, c := range []struct {
		every, idle time.Duration
		partitions  int32
	}{
		{3 * time.Second, 500 * time.Millisecond, 1},         // as 30 s and 5 s
		{2400 * time.Millisecond, 600 * time.Millisecond, 2}, // as 12 s and 3 s
		{3100 * time.Millisecond, 500 * time.Millisecond, 1}, // ends in the middle of a window
	} {
		t.Run(fmt.Sprintf("every %v, idle after %v, %d partitions", c.every, c.idle, c.partitions), func(t *testing.T) {
			t.Parallel()
			p := onKafka(t)
			w := p.window()
			w.Size, w.Grace, w.IdleAfter = 200*time.Millisecond, 200*time.Millisecond, c.idle
			p.create(c.partitions)
			r := p.start()
			r.status("the topic", func(s status) bool { return len(p.of(s).Partitions) == int(c.partitions) })
			sent, again := p.upload(c.every, 6, c.partitions)
			windows := len(p.sent)
			t.Logf("%d windows, the last %.2f s after the last upload", windows, p.reach(windows, patience, r).Seconds())
			s := r.status("all read", func(s status) bool { return p.of(s).OpenWindows == 0 && p.of(s).Records >= int64(sent) })
			late := p.of(s).Late
			t.Logf("%d records, %d late (%.1f %%); %d came for a window in which an upload had ended", sent, late, 100*float64(late)/float64(sent), again)
			if late != int64(again) {
				t.Errorf("%d late records, want %d", late, again)
			}
			r.end()
			p.exactly()
		})
	}
}

// upload writes fifty records a second to each partition, in batches that come
// when their time is over. What comes for the window in which the batch before
// ended is not expected in it, and counted.
func (p *place) upload(every time.Duration, times int, partitions int32) (sent, again int) {
	p.t.Helper()
	const spacing = 20 * time.Millisecond
	p.base = time.Now().Truncate(p.window().Size)
	at, open := 1*time.Millisecond, int64(0) // clear of the windows' ends; the window that has been begun
	for k := range times {
		end := time.Duration(k+1) * every
		var batch []*kgo.Record
		for ; at < end; at += spacing {
			start := p.base.Add(at).Truncate(p.window().Size).UnixMilli()
			for id := range partitions {
				batch = append(batch, p.record(id, at.Seconds()))
				if sent++; start == open {
					p.sent[start] = p.sent[start][:len(p.sent[start])-1]
					again++
				}
			}
		}
		<-time.After(time.Until(p.base.Add(end)))
		must(p.t, p.cl.ProduceSync(p.t.Context(), batch...).FirstErr())
		open = p.base.Add(at - spacing).Truncate(p.window().Size).UnixMilli()
	}
	return sent, again
}
