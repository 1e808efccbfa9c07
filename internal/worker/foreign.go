package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A group in which another program is a member is no place to work in. With the
// classic protocol the broker keeps it out, or this worker, since they agree on
// no way to share topics out. A member with the protocol of KIP-848 turns the
// group into one in which the broker shares topics out, partition by partition,
// and it may commit offsets that know nothing of windows. So the worker leaves,
// says who it is, and comes back when it is gone.

// foreignError names the members of another program.
type foreignError struct {
	group   string
	members []string
}

func (e *foreignError) Error() string {
	return fmt.Sprintf("members of another program are in the group %s: %s; end them, or set worker.group to a name that nobody else uses", e.group, strings.Join(e.members, ", "))
}

// foreigners looks for members of the group that use the protocol of KIP-848. It
// is nil if there are none, or the brokers do not tell.
func (w *Worker) foreigners(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	req := kmsg.NewPtrConsumerGroupDescribeRequest()
	req.Groups = []string{w.cfg.Worker.Group}
	resp, err := req.RequestWith(ctx, w.cl)
	if err != nil {
		return nil // older brokers have no such groups
	}
	var members []string
	for _, g := range resp.Groups {
		for _, m := range g.Members {
			if m.MemberType != 0 { // 0: classic
				members = append(members, fmt.Sprintf("%s at %s", m.ClientID, strings.TrimPrefix(m.ClientHost, "/")))
			}
		}
	}
	if len(members) == 0 {
		return nil
	}
	slices.Sort(members)
	return &foreignError{w.cfg.Worker.Group, slices.Compact(members)}
}

// classicForeigners names the members of a group that this worker cannot join,
// "" if the brokers do not tell.
func (w *Worker) classicForeigners(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, abortTimeout)
	defer cancel()
	groups, err := w.adm.DescribeGroups(ctx, w.cfg.Worker.Group)
	if err != nil {
		return ""
	}
	g := groups[w.cfg.Worker.Group]
	var members []string
	for _, m := range g.Members {
		members = append(members, fmt.Sprintf("%s at %s", m.ClientID, strings.TrimPrefix(m.ClientHost, "/")))
	}
	if g.Err != nil || len(members) == 0 {
		return ""
	}
	slices.Sort(members)
	return fmt.Sprintf("in it, with the protocol %q: %s", g.Protocol, strings.Join(slices.Compact(members), ", "))
}

// lookForForeigners ends the session if there are members of another program.
func (s *session) lookForForeigners() {
	s.helpers.Go(func() {
		if err := s.w.foreigners(s.ctx); err != nil {
			s.notify(func() { s.fail(err) })
		}
	})
}

// nameForeigners has the reason for which the group cannot be joined say who is
// in it.
func (s *session) nameForeigners(err error) {
	if !errors.Is(err, kerr.InconsistentGroupProtocol) || time.Since(s.lastNamed) < time.Second {
		return
	}
	s.lastNamed = time.Now()
	s.helpers.Go(func() {
		if who := s.w.classicForeigners(s.ctx); who != "" {
			s.notify(func() {
				if s.outside != "" {
					s.outside = s.w.outOfGroupText(err) + "; " + who
				}
			})
		}
	})
}
