// Package lint holds the source tree to its rules: which package may import
// which, form and length of files, documented names, links that lead somewhere.
// It has only tests, so that "go test ./..." finds what breaks a rule.
package lint
