//go:build !synctests

package worker

import "sync"

// The tag synctests is for internal/sim alone: see synctests_on.go. Without
// it no rule can be broken.
const (
	brokenHead    = false
	brokenProduce = false
	brokenAbort   = false
	brokenIdle    = false
	brokenRevoke  = false
	brokenReplay  = false
	brokenMember  = false
)

type mutex = sync.Mutex
