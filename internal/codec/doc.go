// Package codec turns Avro records into rows of numbers and summaries into
// Avro records: the projection of a source schema onto its numeric fields, a
// decode plan compiled from the writer's schema, the schema of the aggregated
// topic, and its encoder. It knows no network; schemas come as text.
//
//	jsontree.go    the text of a source schema, as far as it matters
//	parse.go       a graph of types, with names resolved (typenames.go) and
//	               valid logical types (logical.go) or those of Kafka Connect
//	               (connect.go): schema.go
//	project.go     the fields of a schema, within limits; value.go: which of them
//	               are numeric, and why the others are not; unions.go, lists.go,
//	               keys.go: those that are in unions, arrays and maps; selection.go: which
//	               are wanted; branches.go: of a schema that is no record
//	names.go       a.b becomes a_b; rules for illegal names and collisions
//	compile.go     the projection becomes a program.go of instructions;
//	               compile_skip.go: of what is passed over
//	decode.go      runs it over a record; array.go, list.go, keys.go, skip.go,
//	               decimal.go, decimal_any.go, enums.go, unsigned.go, other.go
//	row.go         what comes out
//	aggregated.go  the schema of the aggregated topic; aggregated_json.go its text
//	encoder.go     writes records of it
//
// What is no sample is never lost: a null is stats.Null, a branch of a union
// that is no number counts as null, every NaN of the data becomes stats.NaN,
// and a field that the record's schema lacks is stats.Absent. If a record
// within the record is null, all its fields are; in an array each of them has a
// null for it. A null array has no elements, and its slot in Row.Scalars is
// stats.Null.
package codec
