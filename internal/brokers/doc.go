// Package brokers asks the brokers what the worker has to know of topics, offsets and
// groups, and makes topics. Whatever does not answer holds up no more than the
// question that was put to it; it keeps nothing but its client.
package brokers
