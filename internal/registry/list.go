package registry

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/lsst-sqre/kafka-aggregator/internal/framing"
)

// Listing is what the versions of some subjects are named by, also of those that
// were deleted softly, since their records are still there.
type Listing struct {
	Asked        time.Time // when the registry was asked, or later
	IDs          map[int]bool
	Fingerprints map[uint64]int // id by the CRC-64-AVRO of the canonical form
}

// version is one version of a subject, which never changes.
type version struct {
	id    int
	print uint64
	avro  bool // a schema that has a fingerprint
}

// List lists the versions of subjects. It was asked for after since; one that was
// is used again. Only versions that are new are looked at. A subject that does not
// exist has none, nor does a schema that is not Avro or cannot be read have a
// fingerprint.
func (c *Client) List(ctx context.Context, subjects []string, since time.Time) (Listing, error) {
	key := strings.Join(subjects, "\x00")
	c.mu.RLock()
	known, ok := c.lists[key]
	c.mu.RUnlock()
	if ok && !known.Asked.Before(since) {
		return known, nil
	}
	l := Listing{Asked: c.now(), IDs: map[int]bool{}, Fingerprints: map[uint64]int{}}
	for _, subject := range subjects {
		if err := c.list(ctx, subject, l); err != nil {
			return Listing{}, fmt.Errorf("versions of subject %s: %w", subject, err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lists[key] = l
	return l, nil
}

// list adds the versions of a subject.
func (c *Client) list(ctx context.Context, subject string, into Listing) error {
	var numbers []int
	err := c.ask(ctx, get(c.path(subject), func([]int) error { return nil }, func(n []int) { numbers = n }, sr.ShowDeleted))
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, n := range numbers {
		at := reference{subject, n}
		c.mu.RLock()
		v := c.entries[at]
		c.mu.RUnlock()
		if v == nil {
			if v, err = c.look(ctx, at); errors.Is(err, ErrNotFound) {
				continue // deleted in between
			} else if err != nil {
				return err
			}
			c.mu.Lock()
			c.entries[at] = v
			c.mu.Unlock()
		}
		into.IDs[v.id] = true
		if v.avro {
			into.Fingerprints[v.print] = v.id
		}
	}
	return nil
}

// look gets a version and its fingerprint.
func (c *Client) look(ctx context.Context, at reference) (*version, error) {
	r, err := c.byVersion(ctx, at.subject, at.version, sr.ShowDeleted)
	switch {
	case err != nil:
		return nil, err
	case r.other() != "" || r.ID <= 0:
		return &version{id: r.ID}, nil
	}
	schema, err := c.Schema(WithSubject(ctx, at.subject), r.ID)
	switch {
	case Retriable(err) || ctx.Err() != nil:
		return nil, err
	case err != nil:
		return &version{id: r.ID}, nil
	}
	v := &version{id: r.ID}
	v.print, v.avro = schema.fingerprint()
	return v, nil
}

// fingerprint is the CRC-64-AVRO of the schema, if it has one.
func (s *Schema) fingerprint() (print uint64, ok bool) {
	parsed, err := s.Parse()
	if err != nil {
		return 0, false
	}
	h := avro.NewRabin()
	h.Write(parsed.Canonical())
	return h.Sum64(), true
}

func quoted(subjects []string) string { return "subjects " + strings.Join(subjects, ", ") }

// Has reports whether it has the schema that a record names by its id or its
// fingerprint.
func (l *Listing) Has(ref framing.Ref) bool {
	if id, ok := ref.ID(); ok {
		return l.IDs[id]
	}
	print, ok := ref.Fingerprint()
	_, has := l.Fingerprints[print]
	return ok && has
}
