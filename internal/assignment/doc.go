// Package assignment shares source topics out among the members of the consumer
// group: the balancer that the group's leader runs, what members tell each other for
// it, and what a member knows of the generations that it was in. It asks nobody: what
// has to be known of topics and offsets, the worker is asked for (Balancer).
package assignment
