package stack

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

// Process is a running kafka-aggregator.
type Process struct {
	Name  string
	Cmd   *exec.Cmd
	Log   string // file
	Began time.Time
	Ended chan struct{} // closed when the process has ended
	Took  time.Duration
	Peak  float64 // largest resident memory seen, MiB
	Err   error

	t       *testing.T
	watched chan struct{} // closed when Peak is final
}

// Start runs the program with arguments. Its output goes to a file in the
// stack's folder, whose end is printed if the test fails. It is killed at the
// end of the test.
func (s *Stack) Start(name string, args ...string) *Process {
	s.t.Helper()
	return s.StartCommand(name, exec.Command(s.Program, args...))
}

// StartCommand is Start for any command.
// StartCommand is Start for another command.
func (s *Stack) StartCommand(name string, cmd *exec.Cmd) *Process {
	s.t.Helper()
	p := &Process{t: s.t, Name: name, Log: filepath.Join(s.Dir, name+".log"), Ended: make(chan struct{}), watched: make(chan struct{}), Cmd: cmd}
	log, err := os.OpenFile(p.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	must(s.t, err)
	defer log.Close()
	fmt.Fprintf(log, "--- %s started %s\n", name, time.Now().UTC().Format(time.RFC3339Nano))
	p.Cmd.Stdout, p.Cmd.Stderr = log, log
	p.Began = time.Now()
	must(s.t, p.Cmd.Start())
	go func() {
		p.Err = p.Cmd.Wait()
		p.Took = time.Since(p.Began)
		close(p.Ended)
	}()
	go p.watchMemory()
	s.t.Cleanup(func() {
		p.Signal(syscall.SIGKILL)
		<-p.Ended
		if s.t.Failed() && !s.shown[p.Log] {
			s.shown[p.Log] = true
			s.t.Logf("end of %s:\n%s", p.Log, tail(p.Log, 40))
		}
	})
	return p
}

// Signal sends one, if the process is still there.
func (p *Process) Signal(s syscall.Signal) { _ = p.Cmd.Process.Signal(s) }

// Kill ends it as kill -9 does.
func (p *Process) Kill() {
	p.Signal(syscall.SIGKILL)
	<-p.Ended
}

// Terminate asks it to end and wants exit code 0 in time.
func (p *Process) Terminate(within time.Duration) {
	p.t.Helper()
	asked := time.Now()
	p.Signal(syscall.SIGTERM)
	p.Wait(within)
	p.t.Logf("%s ended %.2f s after SIGTERM", p.Name, time.Since(asked).Seconds())
}

// Wait wants the process to end by itself, with exit code 0, in time.
func (p *Process) Wait(within time.Duration) {
	p.t.Helper()
	select {
	case <-p.Ended:
		<-p.watched
		if p.Err != nil {
			p.t.Fatalf("%s: %v", p.Name, p.Err)
		}
	case <-time.After(within):
		p.t.Fatalf("%s did not end within %v", p.Name, within)
	}
}

// CPU is the user and system time of an ended process.
func (p *Process) CPU() time.Duration {
	return p.Cmd.ProcessState.UserTime() + p.Cmd.ProcessState.SystemTime()
}

// Busy is the user and system time so far of a process that runs.
func (p *Process) Busy() time.Duration {
	p.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Cmd.Process.Pid))
	must(p.t, err)
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	var user, system int64 // in ticks of 10 ms: fields 14 and 15 of proc(5)
	_, err = fmt.Sscan(fields[11]+" "+fields[12], &user, &system)
	must(p.t, err)
	return time.Duration(user+system) * 10 * time.Millisecond
}

// watchMemory reads the high-water mark of the process while it lives. What
// wait4 says of a child's peak includes the parent's memory at the fork.
func (p *Process) watchMemory() {
	every := time.NewTicker(20 * time.Millisecond)
	defer every.Stop()
	for {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Cmd.Process.Pid)) // gone at the end
		if _, rest, ok := strings.Cut(string(text), "VmHWM:"); ok {
			var kib float64
			if _, err := fmt.Sscan(rest, &kib); err == nil {
				p.Peak = kib / 1024
			}
		}
		select {
		case <-p.Ended:
			close(p.watched)
			return
		case <-every.C:
		}
	}
}

// Logged waits until the log has a line with all the words.
func (p *Process) Logged(within time.Duration, words ...string) string {
	p.t.Helper()
	for deadline := time.Now().Add(within); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if line := findLine(p.Log, words); line != "" {
			return line
		}
		select {
		case <-p.Ended:
			if line := findLine(p.Log, words); line != "" {
				return line
			}
			p.t.Fatalf("%s ended without a line with %q in its log", p.Name, words)
		default:
		}
	}
	p.t.Fatalf("%s: no line with %q in its log within %v", p.Name, words, within)
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
