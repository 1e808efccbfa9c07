// Package registry is a client of the Confluent Schema Registry protocol, as
// Confluent's, Karapace, Apicurio and Redpanda speak it: schemas by id with
// their references, subjects, registration, compatibility, and the wire
// header of records. It distrusts the other side: replies, times and
// redirects are bounded, and no secret gets into an error.
package registry
