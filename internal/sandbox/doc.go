// Package sandbox runs a Kafka broker (kfake) and a Schema Registry (srfake,
// with real compatibility checks) inside the process, on real TCP ports. The
// demo command and the tests use it; nothing of it is for production: all data
// is in memory and gone when the process ends.
//
// What kfake does differently from Apache Kafka, as far as it matters here:
//   - topics have no more than one replica, and leaders are spread at random
//     over the brokers;
//   - transactions complete at once: CONCURRENT_TRANSACTIONS, and the time
//     between EndTxn and the markers, are never seen;
//   - the smallest session timeout of a group is 6 s, as in Kafka;
//   - retention is applied only to topics that set it, and once in
//     Options.RetentionCheck;
//   - a topic created with -1 partitions gets one.
package sandbox
