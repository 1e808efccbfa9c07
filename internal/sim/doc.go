// Package sim is a simulation of whole workers: seeded, randomised, in virtual
// time. It has tests only, with the build tag synctests, which the Kafka client
// needs in a testing/synctest bubble; without it, one test builds them with it
// and runs fifty seeds. See docs/simulation.md.
package sim
