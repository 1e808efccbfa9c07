// Package codec turns Avro records into rows of numbers and summaries into
// Avro records: the projection of a source schema onto its numeric fields, a
// decode plan compiled from the writer's schema, the schema of the aggregated
// topic, and its encoder. It knows no network; schemas come as parsed values.
package codec
