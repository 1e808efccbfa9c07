//go:build e2e

package e2e

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// process is a running kafka-aggregator.
type process struct {
	t     *testing.T
	name  string
	cmd   *exec.Cmd
	log   string
	began time.Time
	ended chan struct{}
	took  time.Duration
	peak  float64 // largest resident memory seen, MiB
	err   error

	watched chan struct{} // closed when peak is final
}

// start runs the program with arguments. Its output goes to a file in the
// stack's folder, whose end is printed if the test fails. It is killed at the
// end of the test.
func (s *stack) start(name string, args ...string) *process {
	s.t.Helper()
	return s.startCommand(name, exec.Command(program, args...))
}

func (s *stack) startCommand(name string, cmd *exec.Cmd) *process {
	s.t.Helper()
	p := &process{t: s.t, name: name, log: filepath.Join(s.dir, name+".log"), ended: make(chan struct{}), watched: make(chan struct{}), cmd: cmd}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	must(s.t, err)
	defer log.Close()
	fmt.Fprintf(log, "--- %s started %s\n", name, time.Now().UTC().Format(time.RFC3339Nano))
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.began = time.Now()
	must(s.t, p.cmd.Start())
	go func() {
		p.err = p.cmd.Wait()
		p.took = time.Since(p.began)
		close(p.ended)
	}()
	go p.watchMemory()
	s.t.Cleanup(func() {
		p.signal(syscall.SIGKILL)
		<-p.ended
		if s.t.Failed() {
			s.t.Logf("end of %s:\n%s", p.log, tail(p.log, 40))
		}
	})
	return p
}

func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) } // it may have ended

// kill ends it as kill -9 does.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.ended
}

// terminate asks it to end and wants exit code 0 in time.
func (p *process) terminate(within time.Duration) {
	p.t.Helper()
	asked := time.Now()
	p.signal(syscall.SIGTERM)
	p.wait(within)
	p.t.Logf("%s ended %.2f s after SIGTERM", p.name, time.Since(asked).Seconds())
}

// wait wants the process to end by itself, with exit code 0, in time.
func (p *process) wait(within time.Duration) {
	p.t.Helper()
	select {
	case <-p.ended:
		<-p.watched
		if p.err != nil {
			p.t.Fatalf("%s: %v", p.name, p.err)
		}
	case <-time.After(within):
		p.t.Fatalf("%s did not end within %v", p.name, within)
	}
}

// cpu is the user and system time of an ended process.
func (p *process) cpu() time.Duration {
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}

// busy is the user and system time so far of a process that runs.
func (p *process) busy() time.Duration {
	p.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	must(p.t, err)
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	var user, system int64 // in ticks of 10 ms: fields 14 and 15 of proc(5)
	_, err = fmt.Sscan(fields[11]+" "+fields[12], &user, &system)
	must(p.t, err)
	return time.Duration(user+system) * 10 * time.Millisecond
}

// watchMemory reads the high-water mark of the process while it lives. What
// wait4 says of a child's peak includes the parent's memory at the fork.
func (p *process) watchMemory() {
	every := time.NewTicker(20 * time.Millisecond)
	defer every.Stop()
	for {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid)) // gone at the end
		if _, rest, ok := strings.Cut(string(text), "VmHWM:"); ok {
			var kib float64
			if _, err := fmt.Sscan(rest, &kib); err == nil {
				p.peak = kib / 1024
			}
		}
		select {
		case <-p.ended:
			close(p.watched)
			return
		case <-every.C:
		}
	}
}

// logged waits until the log has a line with all the words.
func (p *process) logged(within time.Duration, words ...string) string {
	p.t.Helper()
	for deadline := time.Now().Add(within); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if line := findLine(p.log, words); line != "" {
			return line
		}
		select {
		case <-p.ended:
			if line := findLine(p.log, words); line != "" {
				return line
			}
			p.t.Fatalf("%s ended without a line with %q in its log", p.name, words)
		default:
		}
	}
	p.t.Fatalf("%s: no line with %q in its log within %v", p.name, words, within)
	return ""
}

func findLine(file string, words []string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
next:
	for lines.Scan() {
		for _, w := range words {
			if !strings.Contains(lines.Text(), w) {
				continue next
			}
		}
		return lines.Text()
	}
	return ""
}

func tail(file string, n int) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-n):], "\n")
}
