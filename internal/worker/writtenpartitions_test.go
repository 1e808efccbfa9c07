package worker

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/sandbox"
)

// Transactions with the first record of a topic, and no other record. About one
// in thirty was aborted by the client's EndTransaction(TryCommit), which gave no
// error, where processors were busy and the code was built for the race
// detector. Here they all have to be committed.
func TestFirstRecordOfTopicIsCommitted(t *testing.T) {
	const topics = 300
	box, err := sandbox.Start(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	cl, err := kgo.NewClient(kgo.SeedBrokers(box.Brokers...), kgo.TransactionalID("t"), kgo.ProducerLinger(0))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	for i := range topics {
		topic := fmt.Sprint("t", i)
		if r, err := adm.CreateTopic(t.Context(), 1, 1, nil, topic); err != nil || r.Err != nil {
			t.Fatal(err, r.Err)
		}
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		r := &kgo.Record{Topic: topic, Value: []byte("x")}
		var refused error
		cl.Produce(t.Context(), r, func(_ *kgo.Record, err error) { refused = err })
		if err := cl.Flush(t.Context()); err != nil || refused != nil {
			t.Fatal(err, refused)
		}
		if err := loaded(t.Context(), cl, []*kgo.Record{r}); err != nil {
			t.Fatal(err)
		}
		if err := cl.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
			t.Fatal(err)
		}
	}
	consumer, err := kgo.NewClient(kgo.SeedBrokers(box.Brokers...), kgo.ConsumeRegex(), kgo.ConsumeTopics("^t"), kgo.KeepControlRecords(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer consumer.Close()
	// A topic holds the record and the marker that ends its transaction.
	for markers := 0; markers < topics; {
		fs := consumer.PollFetches(t.Context())
		if err := fs.Err0(); err != nil {
			t.Fatal(err)
		}
		fs.EachRecord(func(r *kgo.Record) {
			if r.Attrs.IsControl() {
				markers++
				if r.Key[3] != 1 { // version (2 bytes), then 0: abort, 1: commit
					t.Errorf("the transaction of %s was aborted", r.Topic)
				}
			}
		})
	}
}
