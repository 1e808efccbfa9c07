//go:build !synctests

package agent

// The tag synctests is for internal/sim alone: see synctests_on.go.
const brokenClock = false
