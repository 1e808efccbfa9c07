// Package example makes example topics and their load: Avro records of a time
// and any number of double fields, whose values look like telemetry (waves,
// noise, drifts, steps). The commands init-example, produce and demo use it,
// and so do the benchmarks and the tests on a real broker.
package example
