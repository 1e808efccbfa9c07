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
	// breaks the subject's compatibility rule (409), or is invalid (422) or too
	// large (413) to it.
	ErrIncompatible = errors.New("schema registry refuses the schema")
	// ErrUnusable: the schema is there, but is not Avro or is larger than MaxText.
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
// reached, timed out, failed, refused access, asked to wait, or something
// else answered in its place, such as a proxy or a port that speaks TLS. It
// is false for what the registry has decided (ErrNotFound, ErrIncompatible,
// ErrUnusable) and for a call that was cancelled.
//
// What is not retriable may be held against a record or a schema. A wrong
// password or address must not be, so they count as trouble that somebody
// will mend: waiting loses nothing.
func Retriable(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	for _, answer := range []error{ErrNotFound, ErrIncompatible, ErrUnusable} {
		if errors.Is(err, answer) {
			return false
		}
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
			err = &cleaned{text: text, err: err}
		}
		return fmt.Errorf("%s: %w", what, err)
	}
	e := &Error{Status: reply.StatusCode, Code: reply.ErrorCode, Message: c.clean(reply.Error())}
	switch {
	case e.Status == http.StatusNotFound && e.Code/100 == http.StatusNotFound:
		// 40401 subject, 40402 version, 40403 schema. A 404 without such a code
		// comes from something in between, or from a wrong address.
		e.kind = ErrNotFound
	case e.Status == http.StatusUnprocessableEntity && reply.Method == http.MethodGet:
		e.kind = ErrNotFound // an id or version that cannot exist
	case e.Status == http.StatusConflict, e.Status == http.StatusUnprocessableEntity, e.Status == http.StatusRequestEntityTooLarge:
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

// cleaned is an error with another text.
type cleaned struct {
	text string
	err  error
}

func (e *cleaned) Error() string { return e.text }
func (e *cleaned) Unwrap() error { return e.err }
