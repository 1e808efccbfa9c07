//go:build synctests

package sim

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// expiry is when a member has left that was killed: after its session timeout.
const expiry = 15 * time.Second

// expire has the member leave that a process was, some time after it was killed.
// Brokers do so by themselves; kfake does not if it died while it waited for the
// answer to JoinGroup, and keeps it, with what is assigned to it, for good.
func (w *world) expire(p *proc) {
	select {
	case <-p.dead.Done():
	case <-w.stopping:
		return
	}
	select {
	case <-time.After(expiry):
	case <-w.stopping:
		return
	}
	member := p.link.joined()
	if member == "" {
		return
	}
	cl := w.client(w.net.link("expiry"))
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group, req.MemberID = group, member
	m := kmsg.NewLeaveGroupRequestMember()
	m.MemberID = member
	req.Members = append(req.Members, m)
	_, _ = req.RequestWith(ctx, cl) // mostly it has left by itself
}

// joined is the id under which the process has last asked to join the group; ""
// if it never did, or has an instance id and need not leave.
func (l *link) joined() string { l.mu.Lock(); defer l.mu.Unlock(); return l.member }

// note reads the member's id from a request to join the group.
func (l *link) note(request []byte) {
	b := kbin.Reader{Src: request[4:]} // behind the length
	key, version := b.Int16(), b.Int16()
	b.Int32() // the correlation id
	b.NullableString()
	req := kmsg.NewPtrJoinGroupRequest()
	if key != req.Key() {
		return
	}
	req.SetVersion(version)
	if req.IsFlexible() {
		b.Span(1) // no tags
	}
	if req.ReadFrom(b.Src) == nil && req.InstanceID == nil {
		l.mu.Lock()
		l.member = req.MemberID
		l.mu.Unlock()
	}
}
