package worker

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/internal/codec"
	"github.com/lsst-sqre/kafka-aggregator/internal/framing"
	"github.com/lsst-sqre/kafka-aggregator/internal/pipeline"
	"github.com/lsst-sqre/kafka-aggregator/internal/registry"
)

// resolution is what was found out about a source schema.
type resolution struct {
	source    *source
	schema    schema
	listing   *registry.Listing  // in place of a schema, if that was asked for
	histories []pipeline.History // with the versions that it needs; of a schema whose records are bad those before
	rejected  bool               // the registry refused a widened schema
}

// badSchemaTTL is how long the records of a schema that cannot be used are
// bad before the registry is asked again.
const badSchemaTTL = 30 * time.Second

// resolver finds out how the records of source schemas are read. It belongs to
// no source: what it has found out is installed by the loop.
type resolver struct {
	w       *Worker
	helpers *helpers
	slots   chan struct{} // limits the schemas that are resolved at once
}

func newResolver(w *Worker, h *helpers) *resolver {
	return &resolver{w, h, make(chan struct{}, 8)}
}

// resolve finds out, away from the loop, how to read the records of a source
// schema and which aggregated schema they need, and registers that. It
// retries until it has an answer or the session ends. That there is no such
// schema has to be found out after since.
func (r *resolver) resolve(src *source, ref framing.Ref, since time.Time, histories []pipeline.History, install func(resolution)) {
	said := ""
	for wait := 250 * time.Millisecond; ; {
		select { // only to ask: who waits must not keep others from asking
		case r.slots <- struct{}{}:
		case <-r.helpers.ctx.Done():
			return
		}
		found, err := r.tryResolve(src, ref, since, histories)
		<-r.slots
		if err == nil {
			r.helpers.notify(func() { install(found) })
			return
		}
		if r.helpers.ctx.Err() != nil {
			return
		}
		r.helpers.notify(func() { src.problems.set(causeSchema, err.Error()) })
		if said != err.Error() { // once, however often it is tried
			said = err.Error()
			src.log.Warn("topic waits", src.schemaID(ref), "err", err, "retry_in", wait.String())
		}
		select {
		case <-time.After(wait):
		case <-r.helpers.ctx.Done():
			return
		}
		most := 15 * time.Second
		if refused(err) { // somebody has to do something about it first
			most = 5 * time.Minute
		}
		wait = min(2*wait, most)
	}
}

// refused reports whether an aggregated schema, or the time of records, cannot be had, as it is.
func refused(err error) bool {
	return errors.Is(err, registry.ErrIncompatible) || errors.Is(err, pipeline.ErrUnderivable) || errors.As(err, new(*codec.UnitError))
}

// tryResolve returns an error only for what may pass: no answer from a
// registry or a broker, or a refusal that somebody has to resolve.
func (r *resolver) tryResolve(src *source, ref framing.Ref, since time.Time, histories []pipeline.History) (resolution, error) {
	out := resolution{source: src, schema: schema{ref: ref, id: noID, since: since}, histories: histories}
	if ref == framing.Versions() {
		listing, err := r.w.registries.sources.List(r.helpers.ctx, src.framing.Subjects, since)
		out.listing = &listing
		return out, err
	}
	bad := func(err error) (resolution, error) {
		out.schema.err, out.schema.until = err, time.Now().Add(badSchemaTTL)
		return out, nil
	}
	in, id, err := r.input(src, ref, since)
	if err != nil {
		if !errors.Is(err, pipeline.ErrUnreadable) && registry.Retriable(err) || r.helpers.ctx.Err() != nil {
			return out, fmt.Errorf("get %w", err)
		}
		return bad(err)
	}
	out.schema.id, out.schema.fields, out.schema.leftOut = id, len(in.Fields), len(in.LeftOut)
	if in.Untimed != nil {
		return out, in.Untimed
	}
	src.tellTime(ref, in)
	if out.schema.timeFrom = in.TimeFrom(); out.schema.timeFrom == "" {
		out.schema.timeFrom, out.schema.likely = kafkaTime, in.LikelyTimes()
	}
	r.w.warnOfRestart(r.helpers.ctx, src)
	plans := make([]*pipeline.Plan, len(src.outputs))
	for i, o := range src.outputs {
		if plans[i], err = r.planOf(src, o, histories[i], in); err == nil {
			continue
		}
		if plans[i] = plans[i].Without(); !refused(err) || plans[i] == nil {
			return out, err
		}
		out.rejected = true
		src.log.Error("the aggregated schema cannot be widened; going on with the last one, without the new fields", src.schemaID(ref), "err", err)
	}
	// Slots are those of the first output.
	if src.merges == "" {
		out.schema.decoder, err = plans[0].Decoder()
	} else {
		out.schema.slots, err = plans[0].Slots()
	}
	if err != nil {
		return bad(fmt.Errorf("%s: %w", src.framing.Name(ref), err))
	}
	out.histories = nil
	for i, p := range plans {
		out.histories, out.schema.versions = append(out.histories, p.History()), append(out.schema.versions, p.Version())
		src.log.Info("source schema", src.schemaID(ref), "fields", len(in.Fields), "left_out", len(in.LeftOut), "aggregated_topic", src.outputs[i].Topic, "aggregated_schema_id", p.ID)
	}
	for _, l := range in.LeftOut {
		src.log.Debug("field left out", src.schemaID(ref), "field", l.Path, "type", l.Type, "reason", l.Reason)
	}
	return out, nil
}

// input gets the fields of a schema, which errors name: of a source schema, or, for partials, of
// the aggregated schema whose slots they have.
func (r *resolver) input(src *source, ref framing.Ref, since time.Time) (in *pipeline.Input, id int, err error) {
	id, named := ref.ID()
	if src.merges == "" {
		text, err := r.w.registries.sources.Find(registry.WithSubject(r.helpers.ctx, src.agent.Topic+"-value"), src.framing, ref, since)
		if err != nil {
			return nil, noID, err
		}
		if !named {
			id = cmp.Or(text.ID, noID)
		}
		in, err := src.job.Input(text.Text, text.References...)
		if err != nil {
			r.w.registries.sources.FindAgain(ref, text)
			err = fmt.Errorf("%s: %w", src.framing.Name(ref), err)
		}
		return in, id, err
	}
	subject := src.outputs[0].Subject()
	registered, err := r.w.registries.aggregated.Versions(r.helpers.ctx, subject)
	if err != nil {
		return nil, noID, err
	}
	for _, g := range registered {
		if g.ID == id {
			if in, err = pipeline.Partials(g.Text); err != nil {
				err = fmt.Errorf("schema %d: %w", id, err)
			}
			return in, id, err
		}
	}
	return nil, noID, fmt.Errorf("schema %d is no version of subject %s", id, subject)
}

// planOf is the plan for an output, with its schema registered. With an error
// it is that without.
func (r *resolver) planOf(src *source, o pipeline.Output, h pipeline.History, in *pipeline.Input) (*pipeline.Plan, error) {
	if len(h.Versions) == 0 {
		if err := r.w.ensureAggregated(r.helpers.ctx, o.Topic, src.job.Aggregation); err != nil {
			return o.Plan(h, in), err
		}
		found, err := r.w.registries.aggregated.Versions(r.helpers.ctx, o.Subject())
		if err != nil {
			return o.Plan(h, in), fmt.Errorf("get versions of subject %s: %w", o.Subject(), err)
		}
		registered := make([]pipeline.Registered, len(found))
		for i, g := range found {
			registered[i] = pipeline.Registered(g)
		}
		h = o.Read(registered)
	}
	p := o.Plan(h, in)
	if p.ID != 0 || p.Err != nil {
		return p, p.Err
	}
	id, err := r.w.registries.aggregated.Register(r.helpers.ctx, o.Subject(), p.Schema.Text)
	if err != nil {
		return p, fmt.Errorf("register the schema of %s: %w", o.Topic, err)
	}
	return p.Registered(id), nil
}

// install takes what the resolver has found out. It runs in the loop.
func (s *session) install(r resolution) {
	src := r.source
	src.schemas.resolving = noSchema
	if src.phase == phaseGone { // taken away meanwhile
		return
	}
	src.touch(s)
	src.problems.clear(causeSchema)
	if r.listing != nil {
		src.schemas.listing = *r.listing
	} else {
		s.installSchema(r)
	}
	for _, p := range src.parts {
		switch p.waiting {
		case noSchema:
		case r.schema.ref:
			p.waiting = noSchema
			s.takeNewest(p)
			s.enqueue(p)
		default: // its schema could not be asked for meanwhile
			s.request(p)
		}
	}
}

// maxBadSchemas bounds what is remembered of schemas that cannot be had: their names
// come from records, and may be any number.
const maxBadSchemas = 10_000

func (s *session) installSchema(r resolution) {
	src := r.source
	src.schemas.histories = r.histories
	for i, h := range r.histories {
		for _, v := range h.Versions[len(src.agent.Versions(i)):] {
			src.agent.AddVersion(i, v)
		}
	}
	if r.rejected {
		s.w.total(src.topic).rejected++
	}
	if len(src.schemas.byRef) >= maxBadSchemas {
		maps.DeleteFunc(src.schemas.byRef, func(_ framing.Ref, known *schema) bool { return known.err != nil })
	}
	src.schemas.byRef[r.schema.ref] = &r.schema
	if r.schema.err == nil {
		src.schemas.newest = &r.schema
	} else {
		src.log.Warn("records of a schema are bad", src.schemaID(r.schema.ref), "err", r.schema.err)
	}
}

// request starts to resolve the schema that a partition waits for, one at a
// time for each source.
func (s *session) request(p *part) {
	src := p.source
	if src.schemas.resolving != noSchema {
		return
	}
	src.schemas.resolving = p.waiting
	ref, since, histories := p.waiting, p.registeredBy(), src.schemas.histories
	s.helpers.Go(func() { s.resolver.resolve(src, ref, since, histories, s.install) })
}
