//go:build chaos

package chaos

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// phases are the states of the group, as it was seen.
type phases struct {
	mu  sync.Mutex
	all []phase
}

// phase is a time during which the group was in one state.
type phase struct {
	state string
	from  time.Time
}

// watch asks for the state of the group until ctx ends.
func (p *phases) watch(ctx context.Context, adm *kadm.Client) {
	for {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return
		}
		one, cancel := context.WithTimeout(ctx, time.Second)
		groups, err := adm.DescribeGroups(one, group)
		cancel()
		state := groups[group].State
		if err != nil || groups[group].Err != nil {
			state = "unknown"
		}
		p.mu.Lock()
		if n := len(p.all); n == 0 || p.all[n-1].state != state {
			p.all = append(p.all, phase{state, time.Now()})
		}
		p.mu.Unlock()
	}
}

// during is for how long the group was not stable between two times.
func (p *phases) during(from, to time.Time) (unstable time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, x := range p.all {
		if x.state == "Stable" {
			continue
		}
		begin, end := x.from, time.Now()
		if i+1 < len(p.all) {
			end = p.all[i+1].from
		}
		if begin.Before(from) {
			begin = from
		}
		if end.After(to) {
			end = to
		}
		unstable += max(0, end.Sub(begin))
	}
	return unstable
}
