package registry

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/sr"
)

// maxRefused bounds the memory of negative results: ids come from the data.
const maxRefused = 10_000

// Schema is a registered Avro schema. It is text: what is wrong with it is the
// business of who reads records with it.
type Schema struct {
	ID         int // 0: not known, as of one that was asked for by its GUID
	Text       string
	References []string // texts of what it refers to, each after what that refers to

	once   sync.Once
	parsed *avro.Schema
	err    error
}

// Parse gives the schema of the Avro library, for reading whole records. It is
// stricter than any registry, but for names that are not legal Avro.
func (s *Schema) Parse() (*avro.Schema, error) {
	s.once.Do(func() {
		var cache avro.SchemaCache
		for _, text := range append(s.References[:len(s.References):len(s.References)], s.Text) {
			if s.parsed, s.err = cache.Parse(text, avro.WithLaxNames(nil)); s.err != nil {
				s.err = fmt.Errorf("%w: %w", ErrUnusable, s.err)
				return
			}
		}
	})
	return s.parsed, s.err
}

// Decode reads a whole record, without the wire header, into v, and returns what
// follows it.
func (s *Schema) Decode(body []byte, v any) ([]byte, error) {
	parsed, err := s.Parse()
	if err != nil {
		return nil, err
	}
	return parsed.Decode(body, v)
}

// name is by what a schema is asked for: its id, or its GUID if that is not empty.
type name struct {
	id   int
	guid string
}

func (n name) String() string {
	if n.guid != "" {
		return "schema GUID " + n.guid
	}
	return "schema " + strconv.Itoa(n.id)
}

// Schema is the schema with an id, with all that it refers to. It is kept for
// ever, since an id never changes its meaning; that there is none, or that it
// is not Avro (ErrNotFound, ErrUnusable), is kept for Options.NotFoundTTL.
// Callers that ask for the same id at the same time share one request.
func (c *Client) Schema(ctx context.Context, id int) (*Schema, error) {
	return c.SchemaSince(ctx, id, time.Time{})
}

// Forget drops the schema of an id that no record can be read with, so that it
// is asked for again: what answered may have been something else, or not well.
func (c *Client) Forget(id int) { c.forget(name{id: id}) }

func (c *Client) forget(n name) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.schemas, n)
}

// SchemaSince is Schema for a caller who knows of a time up to which the schema
// may have been registered: that there is none has to be found out after it.
func (c *Client) SchemaSince(ctx context.Context, id int, since time.Time) (*Schema, error) {
	return c.since(ctx, name{id: id}, since)
}

func (c *Client) since(ctx context.Context, n name, since time.Time) (*Schema, error) {
	for {
		s, no, err := c.try(ctx, n, since)
		if err == nil || no == nil || !no.asked.Before(since) {
			return s, err
		}
	}
}

// try gives a schema, or an error and what is kept of it.
func (c *Client) try(ctx context.Context, n name, since time.Time) (*Schema, *refusal, error) {
	c.mu.RLock()
	s, ok := c.schemas[n]
	no, refused := c.refused[n]
	c.mu.RUnlock()
	if ok {
		return s, nil, nil
	}
	if refused && c.now().Before(no.until) && !no.asked.Before(since) {
		return nil, &no, no.err
	}
	// The request belongs to all who wait for it, so none of them ends it.
	flight := c.flights.DoChan(n.String(), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.timeout*time.Duration(len(c.endpoints)))
		defer cancel()
		return c.load(ctx, n)
	})
	select {
	case <-ctx.Done():
		return nil, nil, fmt.Errorf("%s: %w", n, context.Cause(ctx))
	case r := <-flight:
		if r.Err == nil {
			return r.Val.(*Schema), nil, nil
		}
		c.mu.RLock()
		defer c.mu.RUnlock()
		if no, refused = c.refused[n]; refused && !Retriable(r.Err) {
			return nil, &no, r.Err
		}
		return nil, nil, r.Err
	}
}

func (c *Client) load(ctx context.Context, n name) (*Schema, error) {
	c.mu.RLock()
	known := c.schemas[n] // an earlier flight may have landed since the caller looked
	c.mu.RUnlock()
	if known != nil {
		return known, nil
	}
	asked := c.now()
	s, err := c.fetch(ctx, n)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == nil:
		c.schemas[n] = s
		delete(c.refused, n)
	case !Retriable(err):
		if len(c.refused) >= maxRefused {
			clear(c.refused)
		}
		c.refused[n] = refusal{err: err, asked: asked, until: c.now().Add(c.ttl)}
	}
	return s, err
}

func (c *Client) fetch(ctx context.Context, n name) (*Schema, error) {
	text, id, err := c.byName(ctx, n)
	if err != nil {
		return nil, wrap(n.String(), err)
	}
	r := &resolver{client: c, seen: map[reference]bool{}}
	if err := r.collect(ctx, text); err != nil {
		return nil, fmt.Errorf("%s: %w", n, err)
	}
	last := len(r.texts) - 1
	return &Schema{ID: id, Text: r.texts[last], References: r.texts[:last:last]}, nil
}

func (c *Client) byName(ctx context.Context, n name) (text sr.Schema, id int, err error) {
	if n.guid != "" {
		return c.byGUID(ctx, n.guid)
	}
	text, err = c.byID(ctx, n.id)
	return text, n.id, err
}

type reference struct {
	subject string
	version int
}

// resolver collects the text of a schema after those of all that it refers to.
type resolver struct {
	client *Client
	seen   map[reference]bool
	texts  []string
	bytes  int
}

func (r *resolver) collect(ctx context.Context, s sr.Schema) error {
	if s.Type != sr.TypeAvro {
		return fmt.Errorf("%w: its type is %s, not AVRO", ErrUnusable, s.Type)
	}
	if s.Schema == "" {
		return errors.New("schema registry sent a reply without a schema")
	}
	if r.bytes += len(s.Schema); r.bytes > MaxText {
		return fmt.Errorf("%w: larger than %d bytes", ErrUnusable, MaxText)
	}
	for _, ref := range s.References {
		key := reference{ref.Subject, ref.Version}
		if r.seen[key] {
			continue // there already; a cycle shows when it is read, as an unknown type
		}
		r.seen[key] = true
		if len(r.seen) > maxRefs {
			return fmt.Errorf("%w: refers to more than %d schemas", ErrUnusable, maxRefs)
		}
		what := fmt.Sprintf("reference %s to subject %s version %d", r.client.clean(ref.Name), r.client.clean(ref.Subject), ref.Version)
		sub, err := r.client.byVersion(ctx, ref.Subject, ref.Version)
		if err != nil {
			return wrap(what, err)
		}
		schema, err := sub.schema()
		if err != nil {
			return wrap(what, err)
		}
		if err := r.collect(ctx, schema); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	r.texts = append(r.texts, s.Schema)
	return nil
}
