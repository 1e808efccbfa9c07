package registry

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/sr"
)

// maxRefused bounds the memory of negative results: ids come from the data.
const maxRefused = 10_000

// Schema is the schema with an id, its references resolved. It is kept for
// ever, since an id never changes its meaning; that there is none, or that it
// cannot be used (ErrNotFound, ErrUnusable), is kept for Options.NotFoundTTL.
// Callers that ask for the same id at the same time share one request. Names
// that are not legal Avro are accepted.
func (c *Client) Schema(ctx context.Context, id int) (*avro.Schema, error) {
	return c.SchemaSince(ctx, id, time.Time{})
}

// SchemaSince is Schema for a caller who knows of a time up to which the schema
// may have been registered: that there is none has to be found out after it.
func (c *Client) SchemaSince(ctx context.Context, id int, since time.Time) (*avro.Schema, error) {
	for {
		s, no, err := c.try(ctx, id, since)
		if err == nil || no == nil || !no.asked.Before(since) {
			return s, err
		}
	}
}

// try gives a schema, or an error and what is kept of it.
func (c *Client) try(ctx context.Context, id int, since time.Time) (*avro.Schema, *refusal, error) {
	c.mu.RLock()
	s, ok := c.schemas[id]
	no, refused := c.refused[id]
	c.mu.RUnlock()
	if ok {
		return s, nil, nil
	}
	if refused && c.now().Before(no.until) && !no.asked.Before(since) {
		return nil, &no, no.err
	}
	// The request belongs to all who wait for it, so none of them ends it.
	flight := c.flights.DoChan(strconv.Itoa(id), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.timeout*time.Duration(len(c.endpoints)))
		defer cancel()
		return c.load(ctx, id)
	})
	select {
	case <-ctx.Done():
		return nil, nil, fmt.Errorf("schema %d: %w", id, context.Cause(ctx))
	case r := <-flight:
		if r.Err == nil {
			return r.Val.(*avro.Schema), nil, nil
		}
		c.mu.RLock()
		defer c.mu.RUnlock()
		if no, refused = c.refused[id]; refused && !Retriable(r.Err) {
			return nil, &no, r.Err
		}
		return nil, nil, r.Err
	}
}

func (c *Client) load(ctx context.Context, id int) (*avro.Schema, error) {
	c.mu.RLock()
	known := c.schemas[id] // an earlier flight may have landed since the caller looked
	c.mu.RUnlock()
	if known != nil {
		return known, nil
	}
	asked := c.now()
	s, err := c.fetch(ctx, id)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == nil:
		c.schemas[id] = s
		delete(c.refused, id)
	case !Retriable(err):
		if len(c.refused) >= maxRefused {
			clear(c.refused)
		}
		c.refused[id] = refusal{err: err, asked: asked, until: c.now().Add(c.ttl)}
	}
	return s, err
}

func (c *Client) fetch(ctx context.Context, id int) (*avro.Schema, error) {
	what := fmt.Sprintf("schema %d", id)
	text, err := c.byID(ctx, id)
	if err != nil {
		return nil, wrap(what, err)
	}
	r := &resolver{client: c, seen: map[reference]bool{}}
	s, err := r.parse(ctx, text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return s, nil
}

type reference struct {
	subject string
	version int
}

// resolver parses a schema after all that it refers to.
type resolver struct {
	client *Client
	cache  avro.SchemaCache
	seen   map[reference]bool
	bytes  int
}

func (r *resolver) parse(ctx context.Context, s sr.Schema) (*avro.Schema, error) {
	if s.Type != sr.TypeAvro {
		return nil, fmt.Errorf("%w: its type is %s, not AVRO", ErrUnusable, s.Type)
	}
	if s.Schema == "" {
		return nil, errors.New("schema registry sent a reply without a schema")
	}
	if r.bytes += len(s.Schema); r.bytes > MaxText {
		return nil, fmt.Errorf("%w: larger than %d bytes", ErrUnusable, MaxText)
	}
	for _, ref := range s.References {
		key := reference{ref.Subject, ref.Version}
		if r.seen[key] {
			continue // resolved already; a cycle fails below, as an unknown type
		}
		r.seen[key] = true
		if len(r.seen) > maxRefs {
			return nil, fmt.Errorf("%w: refers to more than %d schemas", ErrUnusable, maxRefs)
		}
		what := fmt.Sprintf("reference %s to subject %s version %d", r.client.clean(ref.Name), r.client.clean(ref.Subject), ref.Version)
		sub, err := r.client.byVersion(ctx, ref.Subject, ref.Version)
		if err != nil {
			return nil, wrap(what, err)
		}
		if _, err := r.parse(ctx, sub.Schema); err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
	}
	// Registries hold names that are not legal Avro; records written with them
	// decode like any other.
	parsed, err := r.cache.Parse(s.Schema, avro.WithLaxNames(nil))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnusable, err)
	}
	return parsed, nil
}
