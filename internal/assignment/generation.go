package assignment

import "sync"

// Generations follows in which generations of the group this member was. The
// coordinator waits for members that have not joined a rebalance for no longer
// than the rebalance timeout. One with an id of its own stays a member when it
// comes too late for a generation, under the same member id; but in that
// generation its partitions may have become another's.
type Generations struct {
	mu     sync.Mutex
	before int32 // that of this member when it last asked to join; -1: none
	left   bool  // it was left behind by one
}

// NewGenerations is for a member that has not joined yet.
func NewGenerations() *Generations { return &Generations{before: -1} }

// Join notes that the member, in a generation, asks to join the next one.
func (g *Generations) Join(now int32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.left = g.skipped(now)
	g.before = now
}

// Behind reports whether the member, now in a generation, was left behind by
// one since it had no partitions.
func (g *Generations) Behind(now int32) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.skipped(now)
}

// Forget is for a member that has no partitions: it has missed nothing.
func (g *Generations) Forget(now int32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.left, g.before = false, now-1
}

func (g *Generations) skipped(now int32) bool {
	return g.left || g.before >= 0 && now > g.before+1
}
