//go:build synctests

package sim

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// commitSample is what the group's coordinator held for a partition at a time.
type commitSample struct {
	at        time.Duration
	topic     string
	partition int32
	offset    int64
	metadata  string
}

// sampleCommits asks for the committed offsets every second, unless there was no
// request since that could have changed them.
func (w *world) sampleCommits() (stop chan struct{}) {
	stop = make(chan struct{})
	w.sampled.Go(func() {
		adm := kadm.NewClient(w.client(w.net.link("sampler")))
		defer adm.Close()
		last := map[string]commitSample{}
		again := true // a request may have been on its way when the last question was asked
		for ended := false; !ended; {
			select {
			case <-time.After(sampling):
			case <-stop:
				ended = true
			}
			changed := w.net.commits.Swap(false)
			if !changed && !again && !ended {
				continue
			}
			again = changed
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			all, err := adm.FetchOffsets(ctx, group)
			cancel()
			if err != nil || all.Error() != nil {
				again = true
				continue
			}
			for _, o := range all.Sorted() {
				key := fmt.Sprintf("%s/%d", o.Topic, o.Partition)
				s := commitSample{at: w.since(), topic: o.Topic, partition: o.Partition, offset: o.At, metadata: o.Metadata}
				if prev, ok := last[key]; !ok || prev.offset != s.offset || prev.metadata != s.metadata {
					w.samples = append(w.samples, s)
				}
				last[key] = s
			}
		}
	})
	return stop
}
