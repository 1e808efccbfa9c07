package worker

import (
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// A group in which another program is a member is no place to work in. With the
// classic protocol the broker keeps it out, or this worker, since they agree on
// no way to share topics out. A member with the protocol of KIP-848 turns the
// group into one in which the broker shares topics out, partition by partition,
// and it may commit offsets that know nothing of windows. So the worker leaves,
// says who it is, and comes back when it is gone.

// lookForForeigners ends the session if there are members of another program.
func (m *membership) lookForForeigners() {
	m.helpers.Go(func() {
		if err := m.w.brokers.Foreigners(m.helpers.ctx); err != nil {
			m.helpers.notify(func() { m.fail(err) })
		}
	})
}

// nameForeigners has the reason for which the group cannot be joined say who is
// in it.
func (m *membership) nameForeigners(err error) {
	if !errors.Is(err, kerr.InconsistentGroupProtocol) || time.Since(m.named) < time.Second {
		return
	}
	m.named = time.Now()
	m.helpers.Go(func() {
		if who := m.w.brokers.ClassicForeigners(m.helpers.ctx); who != "" {
			m.helpers.notify(func() {
				if m.outside != "" {
					m.outside = m.w.outOfGroupText(err) + "; " + who
				}
			})
		}
	})
}
