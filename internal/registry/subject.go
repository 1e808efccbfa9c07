package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/twmb/franz-go/pkg/sr"
)

// Registered is one version of a subject.
type Registered struct {
	ID, Version int
	Text        string
}

const latest = -1 // the library's number for it

// Latest is the newest version of a subject, ErrNotFound if there is none.
func (c *Client) Latest(ctx context.Context, subject string) (Registered, error) {
	return c.version(ctx, subject, latest)
}

func (c *Client) version(ctx context.Context, subject string, version int) (Registered, error) {
	what := fmt.Sprintf("subject %s version %d", subject, version)
	if version == latest {
		what = fmt.Sprintf("latest version of subject %s", subject)
	}
	s, err := c.sr.SchemaByVersion(ctx, subject, version)
	if err != nil {
		return Registered{}, c.wrap(what, err)
	}
	if s.Schema.Schema == "" || s.ID <= 0 {
		return Registered{}, fmt.Errorf("%s: schema registry sent a reply without a schema", what)
	}
	return Registered{ID: s.ID, Version: s.Version, Text: s.Schema.Schema}, nil
}

// Versions are all versions of a subject, oldest first. A subject that does
// not exist has none.
func (c *Client) Versions(ctx context.Context, subject string) ([]Registered, error) {
	numbers, err := c.sr.SubjectVersions(ctx, subject)
	if err = c.wrap(fmt.Sprintf("versions of subject %s", subject), err); err != nil {
		if errors.Is(err, ErrNotFound) {
			return nil, nil
		}
		return nil, err
	}
	slices.Sort(numbers)
	var all []Registered
	for _, n := range numbers {
		v, err := c.version(ctx, subject, n)
		if errors.Is(err, ErrNotFound) {
			continue // deleted in between
		}
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// Register registers an Avro schema under a subject and returns its id, also
// if it was registered before. ErrIncompatible, with the registry's words, if
// the registry refuses it, also with a 500 if the schema is larger than it can
// be expected to take.
func (c *Client) Register(ctx context.Context, subject, text string) (int, error) {
	what := fmt.Sprintf("register a schema under %s", subject)
	if len(text) > MaxText {
		return 0, fmt.Errorf("%s: %w: %d bytes are more than %d; %s", what, ErrIncompatible, len(text), MaxText, SizeWarning(subject, text))
	}
	id, err := c.sr.RegisterSchema(ctx, subject, sr.Schema{Schema: text, Type: sr.TypeAvro}, -1, -1)
	if err != nil {
		return 0, tooLarge(subject, text, c.wrap(what, err))
	}
	if id <= 0 {
		return 0, fmt.Errorf("%s: schema registry sent a reply without an id", what)
	}
	return id, nil
}

// Check asks whether a schema is compatible with what is registered, and if
// not, why. With a subject that does not exist everything is. Nothing is
// changed. It does not tell whether Register would be accepted: a registry may
// have no room for the schema (SizeWarning), be read-only, or want permissions.
func (c *Client) Check(ctx context.Context, subject, text string) (compatible bool, reasons []string, err error) {
	ctx = sr.WithParams(ctx, sr.Verbose)
	schema := sr.Schema{Schema: text, Type: sr.TypeAvro}
	const allVersions = -2 // those that the subject's rule wants compared
	r, err := c.sr.CheckCompatibility(ctx, subject, allVersions, schema)
	var reply *sr.ResponseError
	if errors.As(err, &reply) && reply.ErrorCode/100 != http.StatusNotFound &&
		(reply.StatusCode == http.StatusNotFound || reply.StatusCode == http.StatusMethodNotAllowed) {
		// An older registry, which compares with one version at a time.
		r, err = c.sr.CheckCompatibility(ctx, subject, latest, schema)
	}
	err = tooLarge(subject, text, c.wrap(fmt.Sprintf("check a schema against %s", subject), err))
	var e *Error
	switch {
	case err == nil:
		for _, m := range r.Messages {
			reasons = append(reasons, c.clean(m))
		}
		return r.Is, reasons, nil
	case errors.Is(err, ErrNotFound):
		return true, nil, nil
	case errors.Is(err, ErrIncompatible) && errors.As(err, &e):
		return false, []string{e.Message}, nil
	}
	return false, nil, err
}
