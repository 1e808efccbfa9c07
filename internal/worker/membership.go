package worker

import (
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/assignment"
)

// errRemoved: the group took this member for dead and gave its partitions to
// others. The client may be a member again by now, under another id. It does
// not always say that the partitions were lost: if the loop was stuck in the
// middle of a rebalance and then adds topics, the client takes this for the
// reason to join again, and does as if it still had them.
var errRemoved = errors.New("the group took this worker for dead")

// errBehind: the group formed a generation without this member, because it was
// too slow to join, and may have given its partitions to others in it.
var errBehind = errors.New("the group went on without this worker, which was too slow to join")

// membership is what a session knows of itself as a member of the group, and of who
// keeps it out of it.
type membership struct {
	w           *Worker
	helpers     *helpers
	topics      *catalog
	shares      *shares
	sources     map[string]*source // of the session
	fail        func(error)        // ends it
	cl          *kgo.Client
	instance    *string // id of its own, nil if it has none
	generations *assignment.Generations
	id          string    // under which the partitions were assigned
	outside     string    // why this worker is not in the group
	named       time.Time // when it was last asked who is in it that keeps this worker out
}

// take notes under which id new partitions are assigned. It is an error if others
// are held that were assigned under another one.
func (m *membership) take(holds bool) error {
	id, generation := m.cl.GroupMetadata()
	switch {
	case !holds:
		m.id = id
		m.generations.Forget(generation)
	case id != m.id && !brokenMember:
		return errRemoved
	}
	return nil
}

// current is what a commit says of who makes it. It is an error if this is
// another member than the one that the partitions were assigned to, or if they
// may have been another's since.
func (m *membership) current() (id string, generation int32, err error) {
	id, generation = m.cl.GroupMetadata()
	switch {
	case brokenMember:
	case id != m.id:
		err = errRemoved
	case m.generations.Behind(generation):
		err = errBehind
	}
	return id, generation, err
}
