package brokers

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// ForeignError names the members of another program.
type ForeignError struct {
	group   string
	members []string
}

func (e *ForeignError) Error() string {
	return fmt.Sprintf("members of another program are in the group %s: %s; end them, or set worker.group to a name that nobody else uses", e.group, strings.Join(e.members, ", "))
}

// Foreigners looks for members of the group that use the protocol of KIP-848. It
// is nil if there are none, or the brokers do not tell.
func (b *Brokers) Foreigners(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, AdminTimeout)
	defer cancel()
	req := kmsg.NewPtrConsumerGroupDescribeRequest()
	req.Groups = []string{b.options.Group}
	resp, err := req.RequestWith(ctx, b.Client)
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
	return &ForeignError{b.options.Group, slices.Compact(members)}
}

// foreignTimeout is how long it is waited for who is in a group that cannot be joined.
const foreignTimeout = 5 * time.Second

// ClassicForeigners names the members of a group that this worker cannot join,
// "" if the brokers do not tell.
func (b *Brokers) ClassicForeigners(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, foreignTimeout)
	defer cancel()
	groups, err := b.Admin.DescribeGroups(ctx, b.options.Group)
	if err != nil {
		return ""
	}
	g := groups[b.options.Group]
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

// Members asks who is in the group: instance ids, "" for those that have none.
func (b *Brokers) Members(ctx context.Context) (members []string, err error) {
	group, err := b.Admin.DescribeGroups(ctx, b.options.Group)
	if err == nil {
		err = group.Error()
	}
	for _, m := range group[b.options.Group].Members {
		id := ""
		if m.InstanceID != nil {
			id = *m.InstanceID
		}
		members = append(members, id)
	}
	return members, err
}
