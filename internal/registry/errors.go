package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/twmb/franz-go/pkg/sr"
)

// Errors that are an answer, not trouble. Test for them with errors.Is.
var (
	// ErrNotFound: there is no such schema or subject.
	ErrNotFound = errors.New("not found in the schema registry")
	// ErrIncompatible: the registry refuses to register the schema, because it
	// breaks the subject's compatibility rule (409), or is invalid (422) or too
	// large (413) to it, or because nothing may be registered.
	ErrIncompatible = errors.New("schema registry refuses the schema")
	// ErrUnusable: the schema is there, but is not Avro or is larger than MaxText;
	// or what the registry has in its place is no schema.
	ErrUnusable = errors.New("unusable schema")
)

// Error is a reply of the registry that is not a success.
type Error struct {
	Status  int    // HTTP status
	Code    int    // the registry's own error code, 0 if it gave none
	Message string // the registry's words, shortened
	kind    error
}

func (e *Error) Error() string {
	s := fmt.Sprintf("schema registry replied %d", e.Status)
	if e.Code != 0 && e.Code != e.Status {
		s += fmt.Sprintf(" (%d)", e.Code)
	}
	if e.Message != "" {
		s += ": " + e.Message
	}
	return s
}

func (e *Error) Unwrap() error { return e.kind }

// Retriable is true if the same call may succeed later: the registry was not
// reached, timed out, failed (5xx), refused access (401, 403, 407), asked to wait
// (429), or there is none at the address now, such as with a wrong address, or
// with a proxy in front of a registry that is away. Everything else is held
// against what was asked for, since waiting does not help; so is a call that was
// cancelled. It is false for errors that are not this package's.
func Retriable(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	for _, answer := range []error{ErrNotFound, ErrIncompatible, ErrUnusable} {
		if errors.Is(err, answer) {
			return false
		}
	}
	return errors.As(err, new(*trouble)) || errors.Is(err, context.DeadlineExceeded)
}

// trouble is an error that may pass.
type trouble struct{ error }

func (t *trouble) Unwrap() error { return t.error }

// maxMessage bounds what is quoted of a reply.
const maxMessage = 500

// judge tells what a failed request means: nil is trouble, anything else one of
// the answers. If the reply is not a registry's, known is false, and it means
// kind if there is a registry.
func judge(err error) (kind error, known bool) {
	var reply *sr.ResponseError
	if !errors.As(err, &reply) {
		var syntax *json.SyntaxError
		var shape *json.UnmarshalTypeError
		if errors.Is(err, errWrongReply) || errors.Is(err, errTooLong) || errors.As(err, &syntax) || errors.As(err, &shape) {
			return ErrUnusable, false
		}
		if errors.Is(err, ErrUnusable) {
			return ErrUnusable, true
		}
		return nil, true // not reached, cut off, timed out
	}
	sent := reply.Method != http.MethodGet
	switch status := reply.StatusCode; {
	case status == http.StatusNotImplemented, status == http.StatusHTTPVersionNotSupported:
	case status >= 500, status == http.StatusTooManyRequests, status == http.StatusTooEarly, status == http.StatusRequestTimeout,
		status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusProxyAuthRequired:
		return nil, true
	case status == http.StatusNotFound && reply.ErrorCode/100 == http.StatusNotFound:
		return ErrNotFound, true // 40401 subject, 40402 version, 40403 schema …
	case status == http.StatusUnprocessableEntity && !sent:
		return ErrNotFound, true // an id or version that cannot exist
	case sent && (status == http.StatusConflict || status == http.StatusUnprocessableEntity || status == http.StatusRequestEntityTooLarge):
		return ErrIncompatible, true
	}
	if sent {
		return ErrIncompatible, false
	}
	return ErrNotFound, false
}

// as gives a failed request its meaning: nil is trouble.
func (c *Client) as(kind, err error) error {
	var reply *sr.ResponseError
	switch {
	case errors.As(err, &reply):
		err = &Error{Status: reply.StatusCode, Code: reply.ErrorCode, Message: c.clean(reply.Error()), kind: kind}
	case kind != nil && !errors.Is(err, kind):
		err = fmt.Errorf("%w: %w", kind, err)
	}
	if text := c.clean(err.Error()); text != err.Error() {
		err = &cleaned{text, err}
	}
	if kind == nil {
		return &trouble{err}
	}
	return err
}

// wrap says what was attempted.
func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// clean makes text of the other side fit for a log: one line, short, and
// without our secrets, should they be echoed.
func (c *Client) clean(s string) string {
	for _, secret := range c.secrets {
		s = strings.ReplaceAll(s, secret, "***")
	}
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > maxMessage {
		s = strings.ToValidUTF8(s[:maxMessage], "") + "…"
	}
	return s
}

// cleaned is an error with another text.
type cleaned struct {
	text string
	err  error
}

func (e *cleaned) Error() string { return e.text }
func (e *cleaned) Unwrap() error { return e.err }
