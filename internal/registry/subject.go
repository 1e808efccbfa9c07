package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/sr"
)

// Registered is one version of a subject.
type Registered struct {
	ID, Version int
	Text        string
	Type        string // of a schema that is not Avro, such as JSON; of Avro empty
}

// reply is what the program needs of a schema's document; there may be more in
// it (metadata, rules).
type reply struct {
	ID         int                  `json:"id"`
	Version    int                  `json:"version"`
	Schema     string               `json:"schema"`
	Type       string               `json:"schemaType"`
	References []sr.SchemaReference `json:"references"`
	GUID       any                  `json:"guid"` // a text, of registries that have them
}

// schema is the document in the library's form.
func (r reply) schema() (sr.Schema, error) {
	switch {
	case r.Schema == "":
		return sr.Schema{}, wrongReply("without a schema")
	case r.other() != "":
		return sr.Schema{}, fmt.Errorf("%w: its type is %s, not AVRO", ErrUnusable, r.other())
	}
	return sr.Schema{Schema: r.Schema, Type: sr.TypeAvro, References: r.References}, nil
}

// other is the type of a schema that is not Avro.
func (r reply) other() string {
	if strings.EqualFold(r.Type, "AVRO") {
		return ""
	}
	return r.Type
}

const latest = -1 // in place of a version's number

// path is where a subject's versions are.
func (c *Client) path(subject string) string {
	return "/subjects/" + url.PathEscape(c.qualified(subject)) + "/versions"
}

// qualified is a subject's name with the context of this client, unless it has one.
func (c *Client) qualified(subject string) string {
	if strings.HasPrefix(subject, ":.") {
		return subject
	}
	return c.context + subject
}

type subjectKey struct{}

// WithSubject says under which subject a schema that is asked for is likely to
// be, for Schema and SchemaSince. In the default context that plays no part.
func WithSubject(ctx context.Context, subject string) context.Context {
	return context.WithValue(ctx, subjectKey{}, subject)
}

// byID asks for the schema with an id. Ids are unique in a context only, which
// the registry gets to know by a subject: a likely one, or else that without a
// name, which means any one of the context.
func (c *Client) byID(ctx context.Context, id int) (s sr.Schema, err error) {
	if c.context == "" {
		return c.byIDIn(ctx, id)
	}
	if likely, _ := ctx.Value(subjectKey{}).(string); likely != "" {
		if s, err = c.byIDIn(ctx, id, sr.Subject(c.qualified(likely))); !errors.Is(err, ErrNotFound) {
			return s, err
		}
	}
	return c.byIDIn(ctx, id, sr.Subject(c.context))
}

func (c *Client) byIDIn(ctx context.Context, id int, params ...sr.Param) (sr.Schema, error) {
	whole := func(r reply) error {
		if r.ID != 0 && r.ID != id {
			return wrongReply("schema %d", r.ID)
		}
		_, err := r.schema()
		return err
	}
	var found reply
	if err := c.ask(ctx, get(fmt.Sprintf("/schemas/ids/%d", id), whole, func(r reply) { found = r }, params...)); err != nil {
		return sr.Schema{}, err
	}
	return found.schema()
}

// byVersion asks for a version of a subject, of whatever type.
func (c *Client) byVersion(ctx context.Context, subject string, version int, params ...sr.Param) (found reply, err error) {
	path := c.path(subject) + "/latest"
	if version != latest {
		path = c.path(subject) + "/" + strconv.Itoa(version)
	}
	whole := func(r reply) error {
		switch {
		case version != latest && r.Version != 0 && r.Version != version:
			return wrongReply("version %d", r.Version)
		case r.Schema == "":
			return wrongReply("without a schema")
		}
		return nil
	}
	err = c.ask(ctx, get(path, whole, func(r reply) { found = r }, params...))
	return found, err
}

// Latest is the newest version of a subject, ErrNotFound if there is none,
// ErrUnusable if it is not Avro.
func (c *Client) Latest(ctx context.Context, subject string) (Registered, error) {
	r, err := c.version(ctx, subject, latest)
	if err == nil && r.Type != "" {
		return Registered{}, wrap("latest version of subject "+subject, fmt.Errorf("%w: its type is %s, not AVRO", ErrUnusable, r.Type))
	}
	return r, err
}

func (c *Client) version(ctx context.Context, subject string, version int) (Registered, error) {
	what := fmt.Sprintf("subject %s version %d", subject, version)
	if version == latest {
		what = fmt.Sprintf("latest version of subject %s", subject)
	}
	r, err := c.byVersion(ctx, subject, version)
	if err == nil && r.ID <= 0 {
		err = fmt.Errorf("%w: without an id", ErrUnusable)
	}
	if err != nil {
		return Registered{}, wrap(what, err)
	}
	return Registered{ID: r.ID, Version: r.Version, Text: r.Schema, Type: r.other()}, nil
}

// Versions are all versions of a subject, oldest first, also those that are not
// Avro. A subject that does not exist has none.
func (c *Client) Versions(ctx context.Context, subject string) ([]Registered, error) {
	var numbers []int
	err := c.ask(ctx, get(c.path(subject), func([]int) error { return nil }, func(n []int) { numbers = n }))
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, wrap(fmt.Sprintf("versions of subject %s", subject), err)
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
	var id int
	err := c.ask(ctx, question{send: post(c.path(subject), sr.Schema{Schema: text, Type: sr.TypeAvro}, func(r reply) error {
		if id = r.ID; id <= 0 {
			return wrongReply("without an id")
		}
		return nil
	})})
	return id, tooLarge(subject, text, wrap(what, err))
}

// Check asks whether a schema is compatible with what is registered, and if
// not, why. With a subject that does not exist everything is. Nothing is
// changed. It does not tell whether Register would be accepted: a registry may
// have no room for the schema (SizeWarning), be read-only, or want permissions.
func (c *Client) Check(ctx context.Context, subject, text string) (compatible bool, reasons []string, err error) {
	schema := sr.Schema{Schema: text, Type: sr.TypeAvro}
	take := func(v sr.CheckCompatibilityResult) error {
		compatible, reasons = v.Is, nil
		for _, m := range v.Messages {
			reasons = append(reasons, c.clean(m))
		}
		return nil
	}
	// Compared with the versions that the subject's rule names; an older registry
	// compares with one version at a time.
	path := "/compatibility" + c.path(subject)
	all, one := post(path, schema, take, sr.Verbose), post(path+"/latest", schema, take, sr.Verbose)
	err = c.ask(ctx, question{send: func(ctx context.Context, s *sr.Client) error {
		err := all(ctx, s)
		var reply *sr.ResponseError
		if errors.As(err, &reply) && reply.ErrorCode/100 != http.StatusNotFound &&
			(reply.StatusCode == http.StatusNotFound || reply.StatusCode == http.StatusMethodNotAllowed) {
			return one(ctx, s)
		}
		return err
	}})
	err = tooLarge(subject, text, wrap(fmt.Sprintf("check a schema against %s", subject), err))
	var e *Error
	switch {
	case err == nil:
		return compatible, reasons, nil
	case errors.Is(err, ErrNotFound):
		return true, nil, nil
	case errors.Is(err, ErrIncompatible) && errors.As(err, &e):
		return false, []string{e.Message}, nil
	}
	return false, nil, wrap(fmt.Sprintf("check a schema against %s", subject), err)
}
