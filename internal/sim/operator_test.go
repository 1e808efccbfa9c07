//go:build synctests

package sim

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// operator creates, alters and deletes topics, and tries until it is done.
type operator struct {
	*world
	adm *kadm.Client
}

func (w *world) operator() *operator {
	return &operator{w, kadm.NewClient(w.client(w.net.link("operator")))}
}

func (o *operator) try(what, topic string, do func() error) {
	for err := do(); err != nil; err = do() {
		o.event("%s %s: %v", what, topic, err)
		time.Sleep(time.Second)
	}
	o.event("%s %s", what, topic)
}

func (o *operator) create(t *topicPlan) {
	o.try("create", t.name, func() error {
		r, err := o.adm.CreateTopic(context.Background(), int32(t.partitions), 1, nil, t.name)
		if errors.Is(r.Err, kerr.TopicAlreadyExists) {
			return nil
		}
		return errors.Join(err, r.Err)
	})
}

func (o *operator) delete(topic string) {
	o.try("delete", topic, func() error {
		r, err := o.adm.DeleteTopic(context.Background(), topic)
		if errors.Is(r.Err, kerr.UnknownTopicOrPartition) {
			return nil
		}
		return errors.Join(err, r.Err)
	})
}

// id is the topic's, as headers have it.
func (o *operator) id(topic string) (string, error) {
	all, err := o.adm.ListTopics(context.Background(), topic)
	t := all[topic]
	return topicID(t.ID[:]), errors.Join(err, t.Err)
}

// alter creates a topic, and adds partitions to it, when the plan says so. done is
// closed when that is over.
func (w *world) alter(t *topicPlan) (done chan struct{}) {
	done = make(chan struct{})
	if t.created == 0 && t.more == 0 {
		close(done)
		return done
	}
	w.ending.Go(func() {
		defer close(done)
		if t.created > 0 {
			o := w.operator()
			time.Sleep(t.created)
			o.create(t)
			o.adm.Close()
		}
		if t.more > 0 {
			w.grow(t)
		}
	})
	return done
}

// grow adds partitions to a topic when the plan says so.
func (w *world) grow(t *topicPlan) {
	o := w.operator()
	defer o.adm.Close()
	time.Sleep(t.grow - w.since())
	o.try("add partitions to", t.name, func() error {
		r, err := o.adm.UpdatePartitions(context.Background(), t.all(), t.name)
		return errors.Join(err, r.Error())
	})
}
