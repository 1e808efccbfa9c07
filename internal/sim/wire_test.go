//go:build synctests

package sim

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// wires connect clients with brokers in memory. Unlike net.Pipe they have
// buffers, as sockets have, so that nobody waits for the other to read; and no
// timer runs for a deadline while nobody waits.

// wire is one direction of a connection. One goroutine at a time reads.
type wire struct {
	mu       sync.Mutex
	data     []byte
	ended    bool          // by the writer: nothing comes after data
	gone     bool          // the reader has closed its end
	deadline time.Time     // of reads
	wake     chan struct{} // of capacity 1: something has changed
	timer    *time.Timer   // the reader's
}

func newWire() *wire { return &wire{wake: make(chan struct{}, 1)} }

// alter changes the wire and wakes the reader.
func (w *wire) alter(do func()) {
	w.mu.Lock()
	do()
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// take reads what is there; wait says that there is nothing yet, and until when
// to wait.
func (w *wire) take(b []byte) (n int, wait bool, until time.Time, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.gone:
		return 0, false, until, io.ErrClosedPipe
	case past(w.deadline):
		return 0, false, until, os.ErrDeadlineExceeded
	case len(w.data) > 0:
		n = copy(b, w.data)
		if w.data = w.data[n:]; len(w.data) == 0 {
			w.data = nil
		}
		return n, false, until, nil
	case w.ended:
		return 0, false, until, io.EOF
	}
	return 0, len(b) > 0, w.deadline, nil
}

func past(deadline time.Time) bool { return !deadline.IsZero() && !time.Now().Before(deadline) }

// socket is one end of a connection.
type socket struct {
	in, out *wire
	remote  address
	mu      sync.Mutex
	latest  time.Time // deadline of writes
}

// connect makes a connection to an address.
func connect(to string) (client, server net.Conn) {
	a, b := newWire(), newWire()
	return &socket{in: a, out: b, remote: address(to)}, &socket{in: b, out: a, remote: "localhost:0"}
}

func (s *socket) Read(b []byte) (int, error) {
	for {
		n, wait, until, err := s.in.take(b)
		if !wait {
			return n, err
		}
		if until.IsZero() {
			<-s.in.wake
			continue
		}
		if s.in.timer == nil {
			s.in.timer = time.NewTimer(time.Until(until))
		} else {
			s.in.timer.Reset(time.Until(until))
		}
		select {
		case <-s.in.wake:
		case <-s.in.timer.C:
		}
		s.in.timer.Stop()
	}
}

func (s *socket) Write(b []byte) (n int, err error) {
	s.mu.Lock()
	late := past(s.latest)
	s.mu.Unlock()
	if late {
		return 0, os.ErrDeadlineExceeded
	}
	s.out.alter(func() {
		if s.out.gone || s.out.ended {
			err = io.ErrClosedPipe
			return
		}
		s.out.data = append(s.out.data, b...)
		n = len(b)
	})
	return n, err
}

// Close lets the other end read what was written before.
func (s *socket) Close() error {
	s.in.alter(func() { s.in.gone, s.in.data = true, nil })
	s.out.alter(func() { s.out.ended = true })
	return nil
}

func (s *socket) SetReadDeadline(t time.Time) error {
	s.in.mu.Lock()
	sooner := !t.IsZero() && (s.in.deadline.IsZero() || t.Before(s.in.deadline))
	s.in.deadline = t
	s.in.mu.Unlock()
	if sooner { // a reader that waits longer than it may has to know
		s.in.alter(func() {})
	}
	return nil
}

func (s *socket) SetWriteDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latest = t
	return nil
}

func (s *socket) SetDeadline(t time.Time) error {
	_ = s.SetWriteDeadline(t)
	return s.SetReadDeadline(t)
}

func (s *socket) LocalAddr() net.Addr  { return address("localhost:0") }
func (s *socket) RemoteAddr() net.Addr { return s.remote }

// address is that of a broker.
type address string

func (address) Network() string  { return "sim" }
func (a address) String() string { return string(a) }

// port is where a broker listens.
type port struct {
	address address
	calls   chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

// Listen is for the brokers.
func (n *network) Listen(_, addr string) (net.Listener, error) {
	_, number, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	p := &port{address: address("localhost:" + number), calls: make(chan net.Conn), closed: make(chan struct{})}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ports[p.address.String()] = p
	return p, nil
}

func (n *network) call(ctx context.Context, addr string) (net.Conn, error) {
	n.mu.Lock()
	p := n.ports[addr]
	n.mu.Unlock()
	if p == nil {
		return nil, fmt.Errorf("sim: nobody listens at %s", addr)
	}
	client, server := connect(addr)
	select {
	case p.calls <- server:
		return client, nil
	case <-p.closed:
		return nil, errRefused
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *port) Accept() (net.Conn, error) {
	select {
	case c := <-p.calls:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *port) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *port) Addr() net.Addr { return p.address }
