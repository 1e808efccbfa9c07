package assignment

import "testing"

func TestGenerations(t *testing.T) {
	g := NewGenerations()
	want := func(now int32, behind bool) {
		t.Helper()
		if g.Behind(now) != behind {
			t.Errorf("in generation %d: behind is %v", now, !behind)
		}
	}
	g.Join(-1) // the first join, into a group that is old
	want(-1, false)
	want(17, false)
	g.Join(17)
	want(17, false) // while it waits
	want(18, false)
	g.Join(18)
	g.Join(18) // asked again
	want(19, false)
	want(20, true) // it was not in 19
	g.Join(20)
	want(20, true) // and that stays so
	want(21, true)
	g.Forget(21) // it lost all partitions, and is given new ones
	want(21, false)
	g.Join(21)
	want(22, false)
}
