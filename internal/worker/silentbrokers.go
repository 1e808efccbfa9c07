package worker

import (
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// pulse is a hook of a session's client that notes when a broker last
// answered. The client retries on its own and reports little, so this is how
// an outage shows.
type pulse struct{ last atomic.Int64 }

// noAnswer is how long brokers may be silent before the worker is not ready.
// Fetches and heartbeats are answered every few seconds at least.
const noAnswer = 10 * time.Second

// OnBrokerRead is kgo's HookBrokerRead.
func (p *pulse) OnBrokerRead(_ kgo.BrokerMetadata, _ int16, _ int, _, _ time.Duration, err error) {
	if err == nil {
		p.last.Store(time.Now().UnixNano())
	}
}

// silent is for how long no broker has answered.
func (p *pulse) silent(now time.Time) time.Duration { return now.Sub(time.Unix(0, p.last.Load())) }
