package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/agent"
	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
)

// resolution is what was found out about a source schema.
type resolution struct {
	source   *source
	schema   schema
	versions []agent.Version // to be added to the agent
	rejected bool            // the registry refused the widened schema
}

// badSchemaTTL is how long the records of a schema that cannot be used are
// bad before the registry is asked again.
const badSchemaTTL = 30 * time.Second

// resolve finds out, away from the loop, how to read the records of a source
// schema and which aggregated schema they need, and registers that. It
// retries until it has an answer or the session ends. That there is no such
// schema has to be found out after since.
func (s *session) resolve(src *source, id int, since time.Time, versions []agent.Version) {
	said := ""
	for wait := 250 * time.Millisecond; ; {
		select { // only to ask: who waits must not keep others from asking
		case s.resolvers <- struct{}{}:
		case <-s.ctx.Done():
			return
		}
		r, err := s.tryResolve(src, id, since, versions)
		<-s.resolvers
		if err == nil {
			s.notify(func() { s.install(r) })
			return
		}
		if s.ctx.Err() != nil {
			return
		}
		s.notify(func() { src.problems.set(causeSchema, err.Error()) })
		if said != err.Error() { // once, however often it is tried
			said = err.Error()
			src.log.Warn("topic waits", "schema_id", id, "err", err, "retry_in", wait.String())
		}
		select {
		case <-time.After(wait):
		case <-s.ctx.Done():
			return
		}
		most := 15 * time.Second
		if refused(err) { // somebody has to do something about it first
			most = 5 * time.Minute
		}
		wait = min(2*wait, most)
	}
}

// refused reports whether an aggregated schema cannot be had, as it is.
func refused(err error) bool {
	return errors.Is(err, registry.ErrIncompatible) || errors.Is(err, errUnderivable)
}

// tryResolve returns an error only for what may pass: no answer from a
// registry or a broker, or a refusal that somebody has to resolve.
func (s *session) tryResolve(src *source, id int, since time.Time, versions []agent.Version) (resolution, error) {
	r := resolution{source: src, schema: schema{id: id, since: since}}
	bad := func(err error) (resolution, error) {
		r.schema.err, r.schema.until = err, time.Now().Add(badSchemaTTL)
		return r, nil
	}
	in, err := s.input(src, id, since)
	if err != nil {
		if !errors.Is(err, errUnreadable) && registry.Retriable(err) || s.ctx.Err() != nil {
			return r, fmt.Errorf("get schema %d: %w", id, err)
		}
		return bad(fmt.Errorf("schema %d: %w", id, err))
	}
	fields := in.fields
	r.schema.fields, r.schema.leftOut = len(fields), len(in.left)
	var base *codec.Aggregated // to be widened
	if len(versions) == 0 {
		if err := s.w.ensureAggregated(s.ctx, src.into, src.job.Aggregation); err != nil {
			return r, err
		}
		if versions, base, err = s.history(src); err != nil {
			return r, err
		}
		r.versions = slices.Clone(versions)
	} else {
		base = versions[len(versions)-1].Schema
	}
	version := slices.IndexFunc(versions, func(v agent.Version) bool { return v.Schema.Covers(fields, src.job.ops) })
	if version < 0 {
		v, err := s.widen(src, base, fields)
		switch {
		case err == nil:
			versions = append(slices.Clone(versions), v)
			r.versions = append(r.versions, v)
		case refused(err) && len(versions) > 0:
			r.rejected = true
			src.log.Error("the aggregated schema cannot be widened; going on with the last one, without the new fields", "schema_id", id, "err", err)
		default:
			return r, err
		}
		version = len(versions) - 1
	}
	r.schema.version = version
	newest := versions[len(versions)-1].Schema
	if in.writer == nil {
		r.schema.slots, err = slotsOf(fields, newest)
	} else {
		r.schema.decoder, err = codec.NewDecoder(in.writer, src.job.selection, newest)
	}
	if err != nil {
		return bad(fmt.Errorf("schema %d: %w", id, err))
	}
	src.log.Info("source schema", "schema_id", id, "fields", len(fields), "left_out", len(in.left), "aggregated_topic", src.into, "aggregated_schema_id", versions[version].SchemaID)
	for _, l := range in.left {
		src.log.Debug("field left out", "schema_id", id, "field", l.Path, "type", l.Type, "reason", l.Reason)
	}
	return r, nil
}

var (
	// errUnreadable: no records can be read with a source schema. It is an answer;
	// nothing is waited for.
	errUnreadable = errors.New("records cannot be read with it")
	// errUnderivable: fields and operations give no aggregated schema.
	errUnderivable = errors.New("no aggregated schema")
)

// input is what records, or partials, of a schema have.
type input struct {
	writer *codec.Schema // nil for partials
	fields []codec.Field
	left   []codec.LeftOut
}

// input gets the fields of a schema: of a source schema, or, for partials, of
// the aggregated schema whose slots they have.
func (s *session) input(src *source, id int, since time.Time) (in input, err error) {
	if src.merges == "" {
		text, err := s.w.registry.SchemaSince(registry.WithSubject(s.ctx, src.agent.Topic+"-value"), id, since)
		if err != nil {
			return in, err
		}
		if in.writer, err = codec.ParseSchema(text.Text, text.References...); err == nil {
			in.fields, in.left, err = codec.Project(in.writer, src.job.selection)
		}
		if err != nil {
			s.w.registry.Forget(id)
			return in, fmt.Errorf("%w: %w", errUnreadable, err)
		}
		return in, nil
	}
	registered, err := s.w.aggregated.Versions(s.ctx, src.into+"-value")
	if err != nil {
		return in, err
	}
	for _, g := range registered {
		if g.ID == id {
			a, err := codec.ParseAggregated(g.Text)
			if err != nil {
				return in, err
			}
			return input{fields: a.Fields}, nil
		}
	}
	return in, fmt.Errorf("it is no version of subject %s-value", src.into)
}

// slotsOf are the slots that the fields of an aggregated schema have in another.
func slotsOf(fields []codec.Field, a *codec.Aggregated) ([]int, error) {
	slots := make([]int, len(fields))
	for i, f := range fields {
		slot, ok := a.Slot(f)
		if !ok {
			return nil, fmt.Errorf("the aggregated schema has no field %s", f.Path)
		}
		slots[i] = slot
	}
	return slots, nil
}

// history finds the versions of the aggregated schema that are registered and
// have the configured operations, as far as each has the fields of the one
// before. A window is written with the first of them that has its fields, so
// a window that is computed again has the same bytes again. latest is the
// newest version that is ours at all: whatever its operations, a new version
// has to be compatible with it.
func (s *session) history(src *source) (out []agent.Version, latest *codec.Aggregated, err error) {
	subject := src.into + "-value"
	registered, err := s.w.aggregated.Versions(s.ctx, subject)
	if err != nil {
		return nil, nil, fmt.Errorf("get versions of subject %s: %w", subject, err)
	}
	for _, g := range registered {
		a, err := codec.ParseAggregated(g.Text)
		if err != nil {
			continue // not ours
		}
		latest = a
		if a.Quantiles != src.job.opts.Quantiles || !a.Covers(nil, src.job.ops) {
			continue // of another configuration
		}
		if n := len(out); n > 0 && !extends(a, out[n-1].Schema) {
			out = out[:0]
		}
		out = append(out, newVersion(a, g.ID, len(src.job.ops)))
	}
	if latest != nil && len(out) > 0 && !extends(latest, out[len(out)-1].Schema) {
		out = nil // another configuration has had the topic since, with other slots
	}
	return out, latest, nil
}

// extends reports whether b's fields are the first ones of a.
func extends(a, b *codec.Aggregated) bool {
	if len(a.Fields) < len(b.Fields) {
		return false
	}
	for i, f := range b.Fields {
		if g := a.Fields[i]; g.Name != f.Name || g.Path != f.Path || g.Array != f.Array || g.Pool != f.Pool {
			return false
		}
	}
	return true
}

// widen registers the schema that has the fields in addition to those of base.
func (s *session) widen(src *source, base *codec.Aggregated, fields []codec.Field) (agent.Version, error) {
	a, err := codec.Derive(src.into, src.agent.Topic, base, fields, src.job.ops, src.job.opts.Quantiles)
	if err != nil {
		return agent.Version{}, fmt.Errorf("%w for %s: %w", errUnderivable, src.into, err)
	}
	id, err := s.w.aggregated.Register(s.ctx, src.into+"-value", a.Text)
	if err != nil {
		return agent.Version{}, fmt.Errorf("register the schema of %s: %w", src.into, err)
	}
	return newVersion(a, id, len(src.job.ops)), nil
}

func newVersion(a *codec.Aggregated, id, ops int) agent.Version {
	slots := make([]int, len(a.Fields))
	for i := range slots {
		slots[i] = i
	}
	return agent.Version{Schema: a, SchemaID: id, Encoder: codec.NewEncoder(a, id, slots, ops)}
}

// install takes what the resolver has found out. It runs in the loop.
func (s *session) install(r resolution) {
	src := r.source
	src.resolving = noSchema
	if s.sources[src.topic] != src { // taken away meanwhile
		return
	}
	src.touch(s)
	src.problems.clear(causeSchema)
	for _, v := range r.versions {
		src.agent.AddVersion(v)
	}
	if r.rejected {
		s.w.total(src.topic).rejected++
	}
	src.schemas[r.schema.id] = &r.schema
	if r.schema.err == nil {
		src.newest = &r.schema
	} else {
		src.log.Warn("records of a schema are bad", "schema_id", r.schema.id, "err", r.schema.err)
	}
	for _, p := range src.parts {
		switch p.waiting {
		case noSchema:
		case r.schema.id:
			p.waiting = noSchema
			s.enqueue(p)
		default: // its schema could not be asked for meanwhile
			s.request(p)
		}
	}
}

// request starts to resolve the schema that a partition waits for, one at a
// time for each source.
func (s *session) request(p *part) {
	src := p.source
	if src.resolving != noSchema {
		return
	}
	src.resolving = p.waiting
	versions := slices.Clone(src.agent.Versions())
	id, since := p.waiting, p.since
	s.helpers.Go(func() { s.resolve(src, id, since, versions) })
}

// ensureTopic makes a topic unless it is there.
func (w *Worker) ensureTopic(ctx context.Context, topic string, partitions int) error {
	return w.ensure(ctx, topic, partitions, map[string]*string{"message.timestamp.type": new("CreateTime")})
}

func (w *Worker) ensure(ctx context.Context, topic string, partitions int, settings map[string]*string) error {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	found, err := w.adm.ListTopics(ctx, topic)
	if err != nil {
		return fmt.Errorf("look for topic %s: %w", topic, err)
	}
	if d := found[topic]; d.Err == nil && len(d.Partitions) > 0 {
		return nil
	}
	if !w.cfg.Worker.CreateTopics {
		return fmt.Errorf("topic %s does not exist and worker.create_topics is false: create it", topic)
	}
	created, err := w.adm.CreateTopic(ctx, int32(partitions), -1, settings, topic)
	if err == nil {
		err = created.Err
	}
	if err != nil && !isTopicExists(err) {
		if created.ErrMessage != "" { // the broker's own sentence says more than the code
			return fmt.Errorf("create topic %s: %w (%s)", topic, err, created.ErrMessage)
		}
		return fmt.Errorf("create topic %s: %w", topic, err)
	}
	return nil
}
