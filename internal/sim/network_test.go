//go:build synctests

package sim

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// network is the virtual network of one simulation. Brokers can be away, and
// every client process has a link of its own.
type network struct {
	mu      sync.Mutex
	ports   map[string]*port
	away    map[string]int // by broker address: outages under way
	conns   map[*conn]struct{}
	commits atomic.Bool // there was a request that may change committed offsets
}

func newNetwork() *network {
	return &network{ports: map[string]*port{}, away: map[string]int{}, conns: map[*conn]struct{}{}}
}

// down refuses connections to a broker and breaks those there are, up ends it.
func (n *network) down(addr string) {
	n.mu.Lock()
	n.away[addr]++
	n.mu.Unlock()
	n.cut(func(c *conn) bool { return c.addr == addr })
}

func (n *network) up(addr string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.away[addr]--
}

func (n *network) isDown(addr string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.away[addr] > 0
}

func (n *network) cut(which func(*conn) bool) {
	var cs []*conn
	n.mu.Lock()
	for c := range n.conns {
		if which(c) {
			cs = append(cs, c)
		}
	}
	n.mu.Unlock()
	for _, c := range cs {
		c.Close()
	}
}

// link is the network of one process.
type link struct {
	net  *network
	name string

	mu     sync.Mutex
	dead   bool
	frozen int
	thawed chan struct{} // closed when frozen becomes 0
	lose   map[int16]int // API key -> answers to lose
	drop   map[int16]int // API key -> requests to lose
	member string        // see joined
}

func (n *network) link(name string) *link {
	return &link{net: n, name: name, lose: map[int16]int{}, drop: map[int16]int{}}
}

var errRefused = errors.New("sim: connection refused")

// refuse takes time, as it does in a real network. In none at all a client
// that tries again at once would never let the clock go on.
func refuse(ctx context.Context) error {
	select {
	case <-time.After(10 * time.Millisecond):
	case <-ctx.Done():
	}
	return errRefused
}

func (l *link) dial(ctx context.Context, _, addr string) (net.Conn, error) {
	if err := l.wait(ctx); err != nil {
		return nil, refuse(ctx)
	}
	if l.net.isDown(addr) {
		return nil, refuse(ctx)
	}
	raw, err := l.net.call(ctx, addr)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: raw, link: l, addr: addr, delays: map[int16]time.Duration{}}
	l.net.mu.Lock()
	l.net.conns[c] = struct{}{}
	l.net.mu.Unlock()
	return c, nil
}

// wait returns once the link carries traffic, with an error if it never will.
func (l *link) wait(ctx context.Context) error {
	for {
		l.mu.Lock()
		dead, frozen, thawed := l.dead, l.frozen > 0, l.thawed
		l.mu.Unlock()
		if dead {
			return errRefused
		}
		if !frozen {
			return nil
		}
		select {
		case <-thawed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// kill is the network's side of SIGKILL: all sockets are closed and nothing is
// sent any more.
func (l *link) kill() {
	l.mu.Lock()
	l.dead = true
	if l.frozen > 0 {
		l.frozen = 0
		close(l.thawed)
	}
	l.mu.Unlock()
	l.sever()
}

// sever breaks all connections.
func (l *link) sever() { l.net.cut(func(c *conn) bool { return c.link == l }) }

// freeze holds up all traffic, both ways, without closing anything.
func (l *link) freeze() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.frozen++; l.frozen == 1 {
		l.thawed = make(chan struct{})
	}
}

func (l *link) thaw() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return
	}
	if l.frozen--; l.frozen == 0 {
		close(l.thawed)
	}
}

// loseAnswer has the next request of a kind served, but its connection broken
// before the answer arrives; loseRequest has it broken before the request does.
func (l *link) loseAnswer(key int16)  { l.mu.Lock(); defer l.mu.Unlock(); l.lose[key]++ }
func (l *link) loseRequest(key int16) { l.mu.Lock(); defer l.mu.Unlock(); l.drop[key]++ }

// calm forgets the losses that have not come to pass.
func (l *link) calm() { l.mu.Lock(); defer l.mu.Unlock(); clear(l.lose); clear(l.drop) }

func (l *link) take(m map[int16]int, key int16) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m[key] == 0 {
		return false
	}
	m[key]--
	return true
}

type conn struct {
	net.Conn
	link *link
	addr string
	mu   sync.Mutex
	lost bool // the next answer is lost

	delays map[int16]time.Duration // by kind of request
}

// Write has one whole request, for this is how the client writes.
func (c *conn) Write(b []byte) (int, error) {
	if err := c.link.wait(context.Background()); err != nil {
		return 0, err
	}
	if len(b) >= 8 {
		key := int16(binary.BigEndian.Uint16(b[4:]))
		if c.link.take(c.link.drop, key) {
			c.Close()
			return 0, io.ErrClosedPipe
		}
		if c.link.take(c.link.lose, key) {
			c.mu.Lock()
			c.lost = true
			c.mu.Unlock()
		}
		if mayCommit(key) {
			c.link.net.commits.Store(true)
		}
		if kmsg.Key(key) == kmsg.JoinGroup {
			c.link.note(b)
		}
		time.Sleep(c.delay(key))
	}
	return c.Conn.Write(b)
}

// delay is a latency of its own for each client, broker and kind of request: so
// fewer events fall on the same instant, where the scheduler would decide which
// comes first.
func (c *conn) delay(key int16) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	d, ok := c.delays[key]
	if !ok {
		h := fnv.New32a()
		fmt.Fprint(h, c.link.name, c.addr, key)
		d = time.Millisecond + time.Duration(h.Sum32()%3001)*time.Microsecond
		c.delays[key] = d
	}
	return d
}

// mayCommit reports whether a kind of request can change committed offsets.
func mayCommit(key int16) bool {
	switch kmsg.Key(key) {
	case kmsg.OffsetCommit, kmsg.OffsetDelete, kmsg.TxnOffsetCommit, kmsg.EndTxn, kmsg.InitProducerID, kmsg.DeleteGroups:
		return true
	}
	return false
}

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if dead := c.link.wait(context.Background()); dead != nil {
		return 0, io.EOF
	}
	c.mu.Lock()
	lost := c.lost
	c.mu.Unlock()
	if lost && n > 0 {
		c.Close()
		return 0, io.EOF
	}
	return n, err
}

func (c *conn) Close() error {
	c.link.net.mu.Lock()
	delete(c.link.net.conns, c)
	c.link.net.mu.Unlock()
	return c.Conn.Close()
}
