package worker

import (
	"sync"
	"sync/atomic"
)

// lanes run independent pieces of an iteration on several goroutines and join them.
// Lane 0 is the caller. What a piece writes is seen by whoever comes after
// each, so pieces need no locks as long as no two of them touch the same.
type lanes struct {
	work []chan func(lane int)
	done sync.WaitGroup
	all  sync.WaitGroup
}

func newLanes(n int) *lanes {
	l := &lanes{}
	for lane := 1; lane < n; lane++ {
		c := make(chan func(lane int))
		l.work = append(l.work, c)
		l.all.Go(func() {
			for f := range c {
				f(lane)
				l.done.Done()
			}
		})
	}
	return l
}

// each calls f for every i in [0, n), in no order, and returns when all calls
// have. With alone, all run on the caller: for work too small to share.
func (l *lanes) each(n int, alone bool, f func(lane, i int)) {
	if n < 2 {
		alone = true
	}
	var next atomic.Int64
	run := func(lane int) {
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			f(lane, i)
		}
	}
	if !alone {
		for i := range min(len(l.work), n-1) {
			l.done.Add(1)
			l.work[i] <- run
		}
	}
	run(0)
	l.done.Wait()
}

func (l *lanes) close() {
	for _, c := range l.work {
		close(c)
	}
	l.all.Wait()
}
