// Package cli is the command line: one file for each command, and all wiring
// of the other packages. Data goes to standard output, everything else to
// standard error. What a command's end means to a shell is decided in exit.go.
package cli
