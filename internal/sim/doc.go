// Package sim is a simulation of whole workers: seeded, randomised, in virtual
// time. It has tests only, all with the build tag synctests, which the Kafka
// client needs in a testing/synctest bubble. See docs/simulation.md.
package sim
