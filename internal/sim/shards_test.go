//go:build synctests

package sim

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"testing"
	"time"
)

// A simulation is busy with one goroutine at a time, so further processors
// only make its locks dearer. Many seeds are run by processes of one
// processor each.

var (
	processes = flag.Int("processes", runtime.NumCPU(), "how many processes share the seeds of TestSim; 1: this one alone")
	shard     = flag.Bool("shard", false, "is one of them: end with standard input, and print the tally")
)

// garbage is how much more memory than is alive may be used before it is
// collected, in percent: a run makes far more than it keeps.
const garbage = 800

// perShard is how many seeds a process runs at most. A seed that takes long
// does not hold up many others, and what failed is told soon.
const perShard = 25

// progress is after how many runs it is told how many there were.
const progress = 500

func TestMain(m *testing.M) {
	flag.Parse()
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	if *shard {
		go func() { // whoever started this process is gone
			_, _ = io.Copy(io.Discard, os.Stdin)
			os.Exit(2)
		}()
	}
	os.Exit(m.Run())
}

// tally is what runs add up to.
type tally struct {
	Runs, Windows, Late, Dead, Repeated, Helped int
	Small, GivenUp                              int // letters
	Virtual                                     time.Duration
}

func (s *tally) add(o tally) {
	s.Runs += o.Runs
	s.Windows += o.Windows
	s.Late += o.Late
	s.Dead += o.Dead
	s.Repeated += o.Repeated
	s.Helped += o.Helped
	s.Small += o.Small
	s.GivenUp += o.GivenUp
	s.Virtual += o.Virtual
}

const tallyMark = "tally: "

// share runs seeds in n processes, a few at a time in each.
func share(t *testing.T, first uint64, seeds, n int) (sum tally) {
	size := min(perShard, max(1, seeds/(4*n)))
	next := make(chan int)
	go func() {
		defer close(next)
		for at := 0; at < seeds; at += size {
			next <- at
		}
	}()
	var mu sync.Mutex
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			for at := range next {
				part, said, err := runShard(t, first+uint64(at), min(size, seeds-at))
				mu.Lock()
				if sum.add(part); sum.Runs/progress > (sum.Runs-part.Runs)/progress {
					t.Logf("%d of %d runs", sum.Runs, seeds**repeat)
				}
				if err != nil {
					t.Errorf("seeds from %d on: %v\n%s", first+uint64(at), err, said)
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return sum
}

// runShard runs seeds in a process of their own. said is what it printed.
func runShard(t *testing.T, first uint64, seeds int) (sum tally, said []byte, err error) {
	args := []string{"-test.run=^TestSim$", "-shard", "-processes=1", "-seed=" + strconv.FormatUint(first, 10),
		fmt.Sprintf("-runs=%d", seeds), fmt.Sprintf("-repeat=%d", *repeat), fmt.Sprintf("-dump=%v", *dump), "-delivery=" + *delivery, "-with=" + *with, fmt.Sprintf("-only=%v", *only)}
	if end, ok := t.Deadline(); ok { // so that a process that hangs says where
		args = append(args, "-test.timeout="+max(time.Second, time.Until(end)-10*time.Second).String())
	}
	c := exec.CommandContext(t.Context(), os.Args[0], args...)
	c.Env = append(os.Environ(), "GOMAXPROCS=1")
	alive, err := c.StdinPipe() // until this process ends
	if err != nil {
		return sum, nil, err
	}
	defer alive.Close()
	said, err = c.CombinedOutput()
	lines := bufio.NewScanner(bytes.NewReader(said))
	lines.Buffer(nil, len(said)+1)
	for lines.Scan() {
		if text, ok := bytes.CutPrefix(lines.Bytes(), []byte(tallyMark)); ok {
			if err := json.Unmarshal(text, &sum); err != nil {
				return sum, said, err
			}
			return sum, said, err
		}
	}
	if err == nil {
		err = fmt.Errorf("no tally was printed")
	}
	return sum, said, err
}
