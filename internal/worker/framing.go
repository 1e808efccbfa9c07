package worker

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/framing"
)

// Records of a topic may be framed in different ways. Where they may also be bare,
// one that begins like another framing does so by chance or not, and its data tell.

// settle decides how a value is read that begins like some framing, and may be bare:
// as a bare one if all of it is a record of that schema, unless it names one of the
// topic's own schemas, of which the rest is a record too. If a schema has to be had
// first, it names that.
func (p *part) settle(f framing.Frame, value []byte, now time.Time) (_ framing.Frame, waits framing.Ref) {
	listing := &p.source.schemas.listing
	own := listing.Has(f.Ref)
	if own {
		plan, err := p.plan(f.Ref, now)
		switch {
		case err == nil && plan == nil:
			return f, f.Ref
		case err == nil && p.fits(plan, f.Body) == nil:
			return f, noSchema
		}
	}
	bare := p.source.framing.AsBare(value)
	plan, err := p.plan(bare.Ref, now)
	switch {
	case err == nil && plan == nil:
		return f, bare.Ref
	case err != nil || p.fits(plan, value) != nil:
		return f, noSchema
	case !own && (listing.Asked.Before(p.since) || now.Sub(listing.Asked) > badSchemaTTL):
		return f, framing.Versions()
	}
	return bare, noSchema
}

// fits tells why data are no record of a schema.
func (p *part) fits(plan *agent.Plan, data []byte) error { return plan.Decoder.Decode(data, &p.trial) }

// tried says how a bad record was read.
func (p *part) tried(f framing.Frame, value []byte, err error) error {
	if f.Kind != framing.Prefix {
		err = fmt.Errorf("framing %s: %w", f.Kind, err)
	}
	if !f.Doubtful {
		return err
	}
	bare := p.source.framing.Bare()
	why := ""
	if plan := p.plans[bare]; plan != nil {
		why = fmt.Sprintf("%s: %v", p.source.framing.Name(bare), p.fits(plan, value))
	} else if known := p.source.schemas.byRef[bare]; known != nil {
		why = fmt.Sprint(known.err)
	}
	return fmt.Errorf("%w; it is not bare either: %s", err, why)
}

// registeredBy is a time after which the registry has to be asked for the schema that
// the partition waits for: when the partition was assigned. The versions of subjects
// that were listed after its records had come are good enough to look for a
// fingerprint, so that not each one that is unknown takes a question.
func (p *part) registeredBy() time.Time {
	if _, ok := p.waiting.Fingerprint(); ok && p.tail.arrived.After(p.since) {
		return p.tail.arrived
	}
	if p.waiting == framing.Versions() {
		return time.Now()
	}
	return p.since
}

// schemaID is for the log.
func (s *source) schemaID(ref framing.Ref) slog.Attr {
	if id, ok := ref.ID(); ok {
		return slog.Int("schema_id", id)
	}
	return slog.String("schema_id", s.framing.Name(ref))
}
