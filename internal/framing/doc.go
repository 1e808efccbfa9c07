// Package framing finds out by which schema a record was written, and where in
// its value the data begin. A Reader does that for the records of one topic: of
// the record headers and the value it makes a Frame, or an error that says what
// was tried.
//
//	ref.go       what a record may name its schema by
//	read.go      the framings in their order (Reader.Read)
//	header.go    the record header __value_schema_id
//	prefix.go    the 5 bytes of the registry's wire format
//	others.go    AWS Glue's header, and Avro's single-object encoding
//	inflate.go   compressed data, in bounded memory
//
// It asks nobody: which schema a Ref is, a registry says (registry.Client.Find).
// Of the Kafka client it uses the type of a header, and nothing else.
package framing
