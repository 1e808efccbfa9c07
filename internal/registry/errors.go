package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/twmb/franz-go/pkg/sr"
)

// Errors that are an answer, not trouble. Test for them with errors.Is.
var (
	// ErrNotFound: the registry says that there is no such schema or subject.
	ErrNotFound = errors.New("not found in the schema registry")
	// ErrIncompatible: the registry refuses to register the schema, because it
	// breaks the subject's compatibility rule (409) or is invalid to it (422).
	ErrIncompatible = errors.New("schema registry refuses the schema")
	// ErrUnusable: the schema is there, but is not Avro, is malformed or is
	// larger than MaxText.
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
// reached, timed out, failed (5xx), asked to wait (429), refused access, or
// sent something that is no registry's reply, such as the page of a proxy.
// It is false for what the registry has decided (ErrNotFound,
// ErrIncompatible, ErrUnusable, other 4xx) and for a call that was cancelled.
//
// What is not retriable may be held against a record. So a wrong password or
// a wrong address count as retriable: waiting loses nothing.
func Retriable(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	for _, answer := range []error{ErrNotFound, ErrIncompatible, ErrUnusable} {
		if errors.Is(err, answer) {
			return false
		}
	}
	var e *Error
	if errors.As(err, &e) {
		switch e.Status {
		case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound,
			http.StatusRequestTimeout, http.StatusTooManyRequests:
			return true
		}
		return e.Status < 400 || e.Status >= 500
	}
	return true
}

// maxMessage bounds what is quoted of a reply.
const maxMessage = 500

// wrap turns an error of the library into ours and says what was attempted.
func (c *Client) wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	var reply *sr.ResponseError
	if !errors.As(err, &reply) {
		if text := c.clean(err.Error()); text != err.Error() {
			err = errors.New(text)
		}
		return fmt.Errorf("%s: %w", what, err)
	}
	e := &Error{Status: reply.StatusCode, Code: reply.ErrorCode, Message: c.clean(reply.Error())}
	switch {
	case e.Status == http.StatusNotFound && e.Code/100 == http.StatusNotFound:
		// 40401 subject, 40402 version, 40403 schema. A 404 without such a code
		// comes from something in between, or from a wrong address.
		e.kind = ErrNotFound
	case e.Status == http.StatusConflict, e.Status == http.StatusUnprocessableEntity:
		e.kind = ErrIncompatible
	}
	return fmt.Errorf("%s: %w", what, e)
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
