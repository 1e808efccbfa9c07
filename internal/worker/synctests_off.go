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

// offsetsStay says that the offsets of a group are never lost.
const offsetsStay = false

type mutex = sync.Mutex
