//go:build chaos

package chaos

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/test/stack"
)

// latency is how late windows came: from the end of a window and its grace to
// the moment when a consumer saw it.
type latency struct {
	mu   sync.Mutex
	seen []sight
	gaps []gap
}

type sight struct {
	due, at time.Time
}

// gap is a time in which nothing could come: the broker or the registry was away.
type gap struct{ from, to time.Time }

// settling is how long after a gap windows are still late because of it.
const settling = 10 * time.Second

// slowest is the most that 99 of a hundred windows of good topics may take,
// beside all the harm that is done to the workers, but for gaps. Without bad
// topics it was 1.6 s (SEED=1 DURATION=2m) and 10.4 s (SEED=2 DURATION=5m): a
// worker that is frozen or away for longer than its session timeout of 6 s is
// waited for.
const slowest = 15 * time.Second

// last is how long before the end of the traffic a window has to be due, or only
// the clock may close it.
const last = 3 * time.Second

// watch reads the aggregated topics until ctx ends.
func (l *latency) watch(ctx context.Context, s *stack.Stack, topics []string) error {
	client, err := kgo.NewClient(s.Opts(kgo.ConsumeTopics(topics...), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(200*time.Millisecond),
		kgo.MetadataMinAge(100*time.Millisecond), kgo.MetadataMaxAge(time.Second), kgo.UnknownTopicRetries(-1))...)
	if err != nil {
		return err
	}
	defer client.Close()
	for ctx.Err() == nil {
		fetches := client.PollFetches(ctx)
		now := time.Now()
		l.mu.Lock()
		fetches.EachRecord(func(r *kgo.Record) {
			if due, ok := dueTime(string(r.Key)); ok {
				l.seen = append(l.seen, sight{due, now})
			}
		})
		l.mu.Unlock()
	}
	return nil
}

// dueTime is when a window with this key can be out: topic|group|start|size.
func dueTime(key string) (time.Time, bool) {
	parts := strings.Split(key, "|")
	if len(parts) != 4 {
		return time.Time{}, false
	}
	start, err := strconv.ParseInt(parts[2], 10, 64)
	size, err2 := strconv.ParseInt(parts[3], 10, 64)
	return time.UnixMilli(start + size).Add(grace), err == nil && err2 == nil
}

// away notes a gap.
func (l *latency) away(from, to time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gaps = append(l.gaps, gap{from, to})
}

// judge wants the windows up to the end of the traffic to be punctual.
func (l *latency) judge(t *testing.T, end time.Time) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var took []time.Duration
	beside := 0
	for _, s := range l.seen {
		switch {
		case s.due.After(end.Add(-last)):
		case slices.ContainsFunc(l.gaps, func(g gap) bool { return s.at.After(g.from) && s.due.Before(g.to.Add(settling)) }):
			beside++
		default:
			took = append(took, s.at.Sub(s.due))
		}
	}
	if len(took) == 0 {
		t.Error("no window came while broker and registry were there")
		return
	}
	slices.Sort(took)
	at := func(q float64) time.Duration { return took[int(q*float64(len(took)-1))] }
	t.Logf("%d windows of good topics: median %.2f s after their end and grace, 90 %% %.2f s, 99 %% %.2f s, all %.2f s; %d more came while broker or registry were away, or soon after",
		len(took), at(0.5).Seconds(), at(0.9).Seconds(), at(0.99).Seconds(), at(1).Seconds(), beside)
	if at(0.99) > slowest {
		t.Errorf("99 %% of the windows came within %v only, want %v", at(0.99), slowest)
	}
}
