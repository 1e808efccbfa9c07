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
	brokenID      = false
)

// partialsOnce says that partials come once: offsets may be lost.
const partialsOnce = false

// dropped is for the simulation to know which records have no letter.
type dropped struct{}

func (*dropped) add(*letter)                 {}
func (*dropped) tell(*Worker, *source, bool) {}

type mutex = sync.Mutex
