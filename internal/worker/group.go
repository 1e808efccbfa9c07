package worker

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/lsst-sqre/kafka-aggregator/internal/assignment"
)

// onAssignment is told of each assignment, also of an empty one.
func (m *membership) onAssignment(a assignment.Assigned) {
	if m.shares.assigned.Swap(&a) == nil {
		m.topics.lookSoon() // whether it fits the topics that there are
	}
	m.shares.set(a.Shared)
	m.compareSetups(a.Setups)
	m.lookForForeigners()
}

// awaited says of which assigned partitions nothing is known here, since the
// client has not got their offsets from the group's coordinator; "" if there are
// none.
func (m *membership) awaited() string {
	assigned := m.shares.assigned.Load()
	if assigned == nil {
		return ""
	}
	n, first := 0, ""
	for topic, ids := range assigned.Partitions {
		src := m.sources[topic]
		for _, id := range ids {
			if src != nil {
				_, unplaced := src.placement.unplaced[id]
				if unplaced || src.parts[id] != nil || src.merges != "" && id != 0 {
					continue
				}
			}
			if _, ok := m.topics.known[topic]; !ok {
				continue // it is gone, or another assignment is on its way
			}
			if place := fmt.Sprintf("%s/%d", topic, id); n == 0 || place < first {
				first = place
			}
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("waiting for the group's offsets of %d assigned partitions, %s among them", n, first)
}

// outOfGroup notes why the client could not join the group, or stay in it. It
// tries again, and the next assignment ends it.
func (m *membership) outOfGroup(err error, now time.Time) {
	if !strings.HasPrefix(m.outside, m.w.outOfGroupText(err)) {
		m.outside = m.w.outOfGroupText(err)
	}
	m.nameForeigners(err)
	if m.w.said.rare("group", now) {
		m.w.log.Warn("joining the group failed", "group", m.w.cfg.Worker.Group, "err", err, "hint", m.w.groupHint(err))
	}
}

// outOfGroupText is the reason for which a worker is not ready that cannot join.
func (w *Worker) outOfGroupText(err error) string {
	if !errors.As(err, new(*kerr.Error)) {
		err = fmt.Errorf("no broker has answered: %w", err)
	}
	text := fmt.Sprintf("out of the group %s: %v", w.cfg.Worker.Group, err)
	if hint := w.groupHint(err); hint != "" {
		text += ": " + hint
	}
	return text
}

// groupHint is what to do about an error of joining the group that does not
// pass by itself, "" if it may.
func (w *Worker) groupHint(err error) string {
	switch {
	case errors.Is(err, kerr.InconsistentGroupProtocol):
		return "members of another program, or of another version of this one, are in the group; set worker.group to a name that nobody else uses, or end them"
	case errors.Is(err, kerr.GroupAuthorizationFailed):
		return "the user lacks the right to READ the group"
	case errors.Is(err, kerr.InvalidSessionTimeout):
		return fmt.Sprintf("worker.session_timeout is %s; the brokers' group.min.session.timeout.ms and group.max.session.timeout.ms do not allow that", w.cfg.Worker.SessionTimeout)
	case errors.Is(err, kerr.GroupMaxSizeReached):
		return "the brokers' group.max.size does not allow more members"
	case errors.Is(err, kerr.UnknownServerError):
		return "if it goes on, and there are many topics and workers, what Kafka notes of the group may be more than its 1 MB: raise max.message.bytes of the topic __consumer_offsets, or use fewer workers, or groups with a part of the topics each"
	}
	return ""
}
