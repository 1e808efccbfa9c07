package stack

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// WaitWindows returns when every window of the source topics has an aggregated
// Record, by timestamps and keys alone; whether they are right is the
// oracle's part. skip says which source records are in no window. The source
// must not change any more.
func (s *Stack) WaitWindows(size time.Duration, within time.Duration, skip func(*kgo.Record) bool, topics ...string) {
	s.t.Helper()
	var names []string
	for _, topic := range topics {
		names = append(names, topic, topic+"-aggregated")
	}
	client, err := kgo.NewClient(s.Opts(kgo.ConsumeTopics(names...), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), kgo.MetadataMinAge(100*time.Millisecond), kgo.MetadataMaxAge(time.Second), kgo.UnknownTopicRetries(-1))...)
	must(s.t, err)
	defer client.Close()
	ends, err := s.Ends(topics...)
	must(s.t, err)
	began := time.Now()
	ctx, cancel := context.WithTimeout(s.t.Context(), within)
	defer cancel()
	open, done := map[string]bool{}, map[string]bool{}
	for {
		if len(ends) == 0 && len(open) == 0 {
			s.t.Logf("all %d windows were out %.1f s after the wait began", len(done), time.Since(began).Seconds())
			return
		}
		fetches := client.PollFetches(ctx)
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			s.t.Fatalf("%d windows have no record after %v, among them %v", len(open), within, some(open, 5))
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if source, ok := strings.CutSuffix(r.Topic, "-aggregated"); ok {
				if r.Attrs.IsControl() {
					return
				}
				parts := strings.Split(string(r.Key), "|")
				if len(parts) != 4 {
					s.t.Fatalf("key %q of %s", r.Key, r.Topic)
				}
				w := source + " " + parts[2]
				done[w] = true
				delete(open, w)
				return
			}
			place := fmt.Sprint(r.Topic, " ", r.Partition)
			if end, ok := ends[place]; ok && r.Offset >= end-1 {
				delete(ends, place)
			}
			if r.Attrs.IsControl() || skip != nil && skip(r) {
				return
			}
			start := r.Timestamp.UnixMilli() / size.Milliseconds() * size.Milliseconds()
			if w := r.Topic + " " + strconv.FormatInt(start, 10); !done[w] {
				open[w] = true
			}
		})
	}
}

func some(set map[string]bool, n int) []string {
	var list []string
	for k := range set {
		if list = append(list, k); len(list) == n {
			break
		}
	}
	return list
}
