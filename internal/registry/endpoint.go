package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/sr"
)

// endpoint is one address of the registry.
type endpoint struct {
	sr   *sr.Client
	url  string               // without a user
	good atomic.Pointer[call] // one that it has answered well
	bad  atomic.Int64         // when there was trouble last, in ns; 0: not since it answered
}

// shunned is how long an address in trouble is not asked what another one,
// which answers, does not know.
const shunned = 30 * time.Second

// call sends a request.
type call func(context.Context, *sr.Client) error

// question is a request whose reply is kept.
type question struct {
	send  call
	probe call // the same without keeping the reply; nil: it is no question only
}

// get is the question for a document. What whole refuses is no answer.
func get[T any](path string, whole func(T) error, keep func(T), params ...sr.Param) question {
	read := func(ctx context.Context, s *sr.Client, keep func(T)) error {
		var v T
		if err := s.Do(sr.WithParams(ctx, params...), http.MethodGet, path, nil, &v); err != nil {
			return err
		}
		if err := whole(v); err != nil {
			return err
		}
		keep(v)
		return nil
	}
	return question{
		send:  func(ctx context.Context, s *sr.Client) error { return read(ctx, s, keep) },
		probe: func(ctx context.Context, s *sr.Client) error { return read(ctx, s, func(T) {}) },
	}
}

// post sends a document.
func post[T any](path string, body any, take func(T) error, params ...sr.Param) call {
	return func(ctx context.Context, s *sr.Client) error {
		var v T
		if err := s.Do(sr.WithParams(ctx, params...), http.MethodPost, path, body, &v); err != nil {
			return err
		}
		return take(v)
	}
}

// ask puts a question to the address that answered last, and, while there is
// trouble, to the others. That something is not there has to be the answer of
// all that answer: one of several may not have heard of it yet. The error is
// trouble, or an answer (ErrNotFound, ErrIncompatible, ErrUnusable).
func (c *Client) ask(ctx context.Context, q question) error {
	first := int(c.current.Load())
	var missing error
	var troubles []string
	var last error
	for i := range c.endpoints {
		n := (first + i) % len(c.endpoints)
		e := c.endpoints[n]
		if bad := e.bad.Load(); missing != nil && bad != 0 && c.now().Sub(time.Unix(0, bad)) < shunned {
			continue
		}
		err := c.decide(ctx, e, q)
		e.bad.Store(0)
		switch {
		case err == nil:
			if missing == nil { // who is behind the others is no worse for what it has
				c.current.Store(int32(n))
			}
			return nil
		case errors.Is(err, ErrNotFound):
			if missing == nil {
				missing = err
			}
		case !Retriable(err):
			return err
		default:
			last = err
			e.bad.Store(c.now().UnixNano())
			troubles = append(troubles, e.url+": "+err.Error())
		}
		if ctx.Err() != nil {
			break
		}
	}
	switch {
	case missing != nil:
		return missing
	case len(troubles) > 1:
		return &trouble{&cleaned{strings.Join(troubles, "; "), last}}
	}
	return last
}

// decide puts a question to one address, and finds out what the reply is worth.
// One that a registry would not give (a 404 without a registry's code, a page of
// HTML) may come from a wrong address, or from a proxy while the registry is
// away; or the registry does not speak Confluent's dialect to the letter. So the
// question is put again, and then another one, which a registry answers. If it
// does now, the reply is about what was asked for, and waiting does not help.
func (c *Client) decide(ctx context.Context, e *endpoint, q question) error {
	err := q.send(ctx, e.sr)
	if err == nil {
		if q.probe != nil {
			e.good.Store(&q.probe)
		}
		return nil
	}
	kind, known := judge(err)
	if known {
		return c.as(kind, err)
	}
	if !errors.Is(err, errTooLong) { // that is no slip
		if err = q.send(ctx, e.sr); err == nil {
			return nil
		}
		if kind, known = judge(err); known {
			return c.as(kind, err)
		}
	}
	if e.speaks(ctx) {
		return c.as(kind, err)
	}
	return fmt.Errorf("%w (and nothing at %s answers as a schema registry does)", c.as(nil, err), e.url)
}

// speaks reports whether there is a registry at the address now.
func (e *endpoint) speaks(ctx context.Context) bool {
	type config struct {
		Level string `json:"compatibilityLevel"`
	}
	anything := []call{
		get("/schemas/types", func(types []string) error { return wrongUnless(slices.Contains(types, "AVRO")) }, func([]string) {}).probe,
		get("/config", func(c config) error { return wrongUnless(c.Level != "") }, func(config) {}).probe,
		get("/subjects", func([]string) error { return nil }, func([]string) {}).probe, // may be long, so it is the last
	}
	if c := e.good.Load(); c != nil {
		anything = slices.Insert(anything, 0, *c)
	}
	for _, c := range anything {
		err := c(ctx, e.sr)
		var reply *sr.ResponseError
		if err == nil || errors.As(err, &reply) && reply.ErrorCode >= 40000 && reply.ErrorCode/100 == reply.StatusCode {
			return true // also if it says, in its own words, that we may not know
		}
		if errors.Is(err, errTooLong) {
			break
		}
	}
	return false
}

// errWrongReply is a success without what was asked for.
var errWrongReply = errors.New("schema registry sent a reply that is none to the question")

func wrongUnless(right bool) error {
	if right {
		return nil
	}
	return errWrongReply
}

// wrongReply says what is wrong with a reply.
func wrongReply(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errWrongReply, fmt.Sprintf(format, args...))
}
