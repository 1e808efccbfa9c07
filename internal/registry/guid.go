package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/sr"
)

// errNoGUIDs explains a 404 that a registry gives to whatever it does not know.
var errNoGUIDs = errors.New("it may have no schemas by GUID (Confluent's registry has them since 8.0, Redpanda's since 26.3); records that name their schema by its id can be read")

// SchemaByGUID is SchemaSince for a schema that is named by its GUID, in the form
// 89791762-2336-4186-9674-299b90a802e2. A GUID means the same schema in all contexts.
func (c *Client) SchemaByGUID(ctx context.Context, guid string, since time.Time) (*Schema, error) {
	return c.since(ctx, name{guid: guid}, since)
}

// ForgetGUID is Forget for a schema that is named by its GUID.
func (c *Client) ForgetGUID(guid string) { c.forget(name{guid: guid}) }

func (c *Client) byGUID(ctx context.Context, guid string) (s sr.Schema, id int, err error) {
	whole := func(r reply) error {
		if g, ok := r.GUID.(string); ok && !strings.EqualFold(g, guid) {
			return wrongReply("another schema GUID")
		}
		_, err := r.schema()
		return err
	}
	var found reply
	if err := c.ask(ctx, get("/schemas/guids/"+guid, whole, func(r reply) { found = r })); err != nil {
		var e *Error
		if errors.Is(err, ErrNotFound) && errors.As(err, &e) && (e.Status != http.StatusNotFound || e.Code/100 != http.StatusNotFound) {
			err = fmt.Errorf("%w; %w", err, errNoGUIDs)
		}
		return sr.Schema{}, 0, err
	}
	s, err = found.schema()
	return s, found.ID, err
}
