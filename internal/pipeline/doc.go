// Package pipeline says how the records of a source topic become those of its
// aggregated topic. It is the one place where that is worked out, from three
// things: what the configuration says (Spec, Output), what is registered
// (History), and a source schema (Input). What comes out is a Plan: the fields
// that are taken and left out, the version of the aggregated schema, and what
// reads and writes records by it.
//
//	spec.go     the configuration of an aggregation, for all of its topics
//	output.go   what is written of one topic: its operations and names
//	input.go    the fields of a source schema, or of partials
//	history.go  the versions of the aggregated schema that are in use
//	plan.go     which of them the records of an Input need, or a new one
//
// It knows no network and no clock. Who asks a registry (a worker, the command
// plan) hands over what it said, and is told what to register; so what plan
// shows is what a worker does.
package pipeline
