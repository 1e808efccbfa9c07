//go:build e2e

package faults

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"reflect"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// link stands between a worker and the brokers, like a proxy: it knows where
// requests begin and end, and breaks what its rules say.
type link struct {
	mu    sync.Mutex
	dead  bool
	rules []*rule
	conns map[*conn]struct{}
}

// rule is what happens to requests of a kind. All of it is optional.
type rule struct {
	key   kmsg.Key
	pass  int // so many requests pass first
	count int // and then so many are dealt with; 0: one, -1: all

	before   func()      // is called before the request is sent
	drop     bool        // the connection breaks in place of sending
	cut      int         // the connection breaks after so many bytes, if > 0
	sent     func()      // is called when the request was sent
	lose     bool        // the connection breaks when the answer is there
	answered func()      // is called when the answer is there
	code     *kerr.Error // the answer says this in place of what the broker said

	hits int // requests dealt with
}

func newLink() *link { return &link{conns: map[*conn]struct{}{}} }

func (l *link) add(r *rule) *rule {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.count == 0 {
		r.count = 1
	}
	l.rules = append(l.rules, r)
	return r
}

// hit counts the requests that a rule has dealt with.
func (l *link) hit(r *rule) int { l.mu.Lock(); defer l.mu.Unlock(); return r.hits }

// calm takes all rules away.
func (l *link) calm() { l.mu.Lock(); defer l.mu.Unlock(); l.rules = nil }

// kill breaks all connections and refuses new ones.
func (l *link) kill() {
	l.mu.Lock()
	l.dead = true
	conns := l.conns
	l.conns = map[*conn]struct{}{}
	l.mu.Unlock()
	for c := range conns {
		c.Conn.Close()
	}
}

var errDead = errors.New("this link is dead")

func (l *link) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	raw, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: raw, link: l, waiting: map[int32]request{}}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		raw.Close()
		return nil, errDead
	}
	l.conns[c] = struct{}{}
	return c, nil
}

// take is the rule for a request, or nil.
func (l *link) take(key kmsg.Key) *rule {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.rules {
		switch {
		case r.key != key || r.count == 0:
		case r.pass > 0:
			r.pass--
		default:
			if r.count > 0 {
				r.count--
			}
			r.hits++
			return r
		}
	}
	return nil
}

// request is one whose answer a rule waits for.
type request struct {
	rule    *rule
	key     int16
	version int16
}

type conn struct {
	net.Conn
	link *link
	rest []byte // of an answer, not read yet

	mu      sync.Mutex
	waiting map[int32]request // by correlation id
}

func (c *conn) Close() error {
	c.link.mu.Lock()
	delete(c.link.conns, c)
	c.link.mu.Unlock()
	return c.Conn.Close()
}

// Write has one whole request, for this is how the client writes.
func (c *conn) Write(b []byte) (int, error) {
	if len(b) < 12 {
		return c.Conn.Write(b)
	}
	key, version, id := int16(binary.BigEndian.Uint16(b[4:])), int16(binary.BigEndian.Uint16(b[6:])), int32(binary.BigEndian.Uint32(b[8:]))
	r := c.link.take(kmsg.Key(key))
	if r == nil {
		return c.Conn.Write(b)
	}
	if r.before != nil {
		r.before()
	}
	switch {
	case r.drop:
		c.Close()
		return 0, io.ErrClosedPipe
	case r.cut > 0:
		_, _ = c.Conn.Write(b[:min(r.cut, len(b)-1)])
		c.Close()
		return 0, io.ErrClosedPipe
	case r.lose || r.answered != nil || r.code != nil:
		c.mu.Lock()
		c.waiting[id] = request{r, key, version}
		c.mu.Unlock()
	}
	n, err := c.Conn.Write(b)
	if r.sent != nil {
		r.sent()
	}
	return n, err
}

// Read hands on whole answers.
func (c *conn) Read(b []byte) (int, error) {
	if len(c.rest) == 0 {
		var size [4]byte
		if _, err := io.ReadFull(c.Conn, size[:]); err != nil {
			return 0, err
		}
		body := make([]byte, binary.BigEndian.Uint32(size[:]))
		if _, err := io.ReadFull(c.Conn, body); err != nil {
			return 0, err
		}
		id := int32(binary.BigEndian.Uint32(body))
		c.mu.Lock()
		q, ok := c.waiting[id]
		delete(c.waiting, id)
		c.mu.Unlock()
		if ok {
			if q.rule.answered != nil {
				q.rule.answered()
			}
			if q.rule.lose {
				c.Close()
				return 0, io.EOF
			}
			if q.rule.code != nil {
				var err error
				if body, err = refuse(body, q, q.rule.code.Code); err != nil {
					return 0, err
				}
			}
		}
		c.rest = append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
	}
	n := copy(b, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// refuse puts an error code into every place of an answer that has one.
func refuse(body []byte, q request, code int16) ([]byte, error) {
	resp := kmsg.ResponseForKey(q.key)
	resp.SetVersion(q.version)
	head := 4
	if resp.IsFlexible() {
		head = 5 // no tags
	}
	if err := resp.ReadFrom(body[head:]); err != nil {
		return nil, err
	}
	setCodes(reflect.ValueOf(resp), int64(code))
	return resp.AppendTo(body[:head:head]), nil
}

func setCodes(v reflect.Value, code int64) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			setCodes(v.Elem(), code)
		}
	case reflect.Slice:
		for i := range v.Len() {
			setCodes(v.Index(i), code)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			switch {
			case !f.IsExported():
			case f.Name == "ErrorCode":
				v.Field(i).SetInt(code)
			default:
				setCodes(v.Field(i), code)
			}
		}
	default:
	}
}
