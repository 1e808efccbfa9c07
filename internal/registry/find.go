package registry

import (
	"context"
	"fmt"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/framing"
)

// Find gets the schema that a record names; of is the reader of its topic's
// framing. That there is none (ErrNotFound) is found out after since. What is
// registered is kept, as Schema says, so a question is only asked for a name that
// is new, or again after Options.NotFoundTTL.
func (c *Client) Find(ctx context.Context, of *framing.Reader, ref framing.Ref, since time.Time) (*Schema, error) {
	if id, ok := ref.ID(); ok {
		return c.SchemaSince(ctx, id, since)
	}
	if guid, ok := ref.GUID(); ok {
		return c.SchemaByGUID(ctx, guid.String(), since)
	}
	if subject, ok := of.Subject(ref); ok {
		return c.newest(ctx, subject, since)
	}
	print, ok := ref.Fingerprint()
	if !ok {
		panic("BUG: a record that names no schema: " + ref.String())
	}
	listing, err := c.List(ctx, of.Subjects, time.Time{})
	if err == nil && !listing.Has(ref) {
		listing, err = c.List(ctx, of.Subjects, since)
	}
	if err != nil {
		return nil, err
	}
	id, ok := listing.Fingerprints[print]
	if !ok {
		return nil, fmt.Errorf("%s: %w: none of the %d schemas of %s has it", ref, ErrNotFound, len(listing.IDs), quoted(of.Subjects))
	}
	return c.SchemaSince(ctx, id, since)
}

// newestVersion is the newest version of a subject at some time.
type newestVersion struct {
	id    int
	asked time.Time // or later
}

// newest is the newest schema of a subject, as it was once after since.
func (c *Client) newest(ctx context.Context, subject string, since time.Time) (*Schema, error) {
	c.mu.RLock()
	v, ok := c.newests[subject]
	c.mu.RUnlock()
	if !ok || v.asked.Before(since) {
		v.asked = c.now()
		r, err := c.Latest(ctx, subject)
		if err != nil {
			return nil, err
		}
		v.id = r.ID
		c.mu.Lock()
		c.newests[subject] = v
		c.mu.Unlock()
	}
	return c.SchemaSince(WithSubject(ctx, subject), v.id, since)
}

// FindAgain drops what is kept of the schema that a record names, if no record can
// be read with it; see Forget.
func (c *Client) FindAgain(ref framing.Ref, found *Schema) {
	if guid, ok := ref.GUID(); ok {
		c.ForgetGUID(guid.String())
		return
	}
	c.Forget(found.ID)
}

// Settle decides how a value is read that begins like some framing and may be bare, as
// a worker does: as a bare one if all of it is a record of that schema, unless it
// names one of the topic's own schemas, of which the rest is a record too.
func (c *Client) Settle(ctx context.Context, of *framing.Reader, f framing.Frame, value []byte, since time.Time) (framing.Frame, error) {
	bare := of.AsBare(value)
	fits, err := c.fits(ctx, of, bare, since)
	if err != nil || !fits {
		return f, err
	}
	listing, err := c.List(ctx, of.Subjects, since)
	if err != nil || !listing.Has(f.Ref) {
		return bare, err
	}
	if fits, err = c.fits(ctx, of, f, since); err != nil || !fits {
		return bare, err
	}
	return f, nil
}

// fits reports whether the data of a frame are a record, as a whole. That its schema
// cannot be had or used is no error.
func (c *Client) fits(ctx context.Context, of *framing.Reader, f framing.Frame, since time.Time) (bool, error) {
	schema, err := c.Find(ctx, of, f.Ref, since)
	if Retriable(err) || ctx.Err() != nil {
		return false, err
	}
	if err != nil {
		return false, nil
	}
	var v any
	rest, err := schema.Decode(f.Body, &v)
	return err == nil && len(rest) == 0, nil
}

// Names are what records may name a schema by.
type Names struct {
	ID          int
	GUID        framing.GUID
	Fingerprint uint64
}

// Names are those of the newest version of a subject, for who writes records. The
// error is ErrUnusable if the registry gives schemas no GUIDs.
func (c *Client) Names(ctx context.Context, subject string) (Names, error) {
	r, err := c.byVersion(ctx, subject, latest)
	if err != nil {
		return Names{}, wrap("latest version of subject "+subject, err)
	}
	n := Names{ID: r.ID}
	text, _ := r.GUID.(string)
	if n.GUID, err = framing.ParseGUID(text); err != nil {
		return n, fmt.Errorf("latest version of subject %s: %w: it has no GUID", subject, ErrUnusable)
	}
	schema, err := c.Schema(WithSubject(ctx, subject), r.ID)
	if err != nil {
		return n, err
	}
	var ok bool
	if n.Fingerprint, ok = schema.fingerprint(); !ok {
		return n, fmt.Errorf("latest version of subject %s: %w: it has no fingerprint", subject, ErrUnusable)
	}
	return n, nil
}
