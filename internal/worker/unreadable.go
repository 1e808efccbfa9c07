package worker

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// fetchError is why a partition cannot be fetched, though its leader answers.
type fetchError struct {
	text  string
	until time.Time // it has not been heard of again by then; zero: it stays until the partition is placed anew
}

// fetchErrorLasts is how long an error is told of that the client repeats with
// every attempt.
const fetchErrorLasts = 30 * time.Second

// unreadable notes that a partition cannot be fetched. Its topic waits, and is
// named; the client goes on trying, if it can help.
func (s *session) unreadable(topic string, id int32, err error, now time.Time) {
	if s.w.said.rare("fetch"+topic, now) {
		s.w.log.Warn("reading failed; the topic waits, the others go on", "topic", topic, "partition", id, "err", err)
	}
	src := s.sources[topic]
	if src == nil {
		return
	}
	e := fetchError{fmt.Sprintf("partition %d cannot be fetched: %v", id, err), now.Add(fetchErrorLasts)}
	switch {
	case errors.As(err, new(*kgo.ErrDecompressTooLarge)):
		e = fetchError{text: fmt.Sprintf("partition %d has a batch that unpacks to more than 64 MiB: %v", id, err)}
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		e.text += ": grant READ and DESCRIBE on the topic"
	}
	src.fetchErrors[id] = e
}

// tellUnreadable shows what is known of partitions that cannot be fetched.
func (src *source) tellUnreadable(now time.Time) {
	var texts []string
	for _, id := range slices.Sorted(maps.Keys(src.fetchErrors)) {
		e := src.fetchErrors[id]
		if !e.until.IsZero() && now.After(e.until) {
			delete(src.fetchErrors, id)
			continue
		}
		texts = append(texts, e.text)
	}
	if len(texts) == 0 {
		src.problems.clear(causeFetch)
		return
	}
	src.problems.set(causeFetch, strings.Join(texts[:min(3, len(texts))], "; "))
}
