// Package recovery decides where a partition is read from: it takes what the
// group's coordinator holds for it, what its leader says that there is, and what the
// aggregated topics tell of windows that are out. It asks nobody, and changes
// nothing: the same facts always give the same start.
package recovery
