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
func (s *session) lookForForeigners() {
	s.helpers.Go(func() {
		if err := s.w.brokers.Foreigners(s.ctx); err != nil {
			s.helpers.notify(func() { s.fail(err) })
		}
	})
}

// nameForeigners has the reason for which the group cannot be joined say who is
// in it.
func (s *session) nameForeigners(err error) {
	if !errors.Is(err, kerr.InconsistentGroupProtocol) || time.Since(s.member.named) < time.Second {
		return
	}
	s.member.named = time.Now()
	s.helpers.Go(func() {
		if who := s.w.brokers.ClassicForeigners(s.ctx); who != "" {
			s.helpers.notify(func() {
				if s.member.outside != "" {
					s.member.outside = s.w.outOfGroupText(err) + "; " + who
				}
			})
		}
	})
}
