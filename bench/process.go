package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// process is a running process whose resources are measured.
type process struct {
	cmd   *exec.Cmd
	log   string
	began time.Time
	wall  time.Duration
	ended chan struct{}
	err   error
	peak  atomic.Int64 // bytes
}

// start runs a command; its output goes to a file in the folder of results.
func (o *options) start(ctx context.Context, name string, args ...string) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, args[0], args[1:]...), log: filepath.Join(o.dir, name+".log"), ended: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.Dir = o.dir
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for this process, which passes it on
	p.began = time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go p.watchMemory()
	go func() {
		p.err = p.cmd.Wait()
		p.wall = time.Since(p.began)
		close(p.ended)
	}()
	return p, nil
}

// wait waits for a process that ends by itself.
func (p *process) wait() error {
	<-p.ended
	if p.err != nil {
		return fmt.Errorf("%w; the end of %s:\n%s", p.err, p.log, tail(p.log, 20))
	}
	return nil
}

// stop asks the process to end, and waits.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	return p.wait()
}

// cpu is the user and system time of an ended process.
func (p *process) cpu() time.Duration {
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}

// watchMemory follows the process' own peak. The one that the kernel reports
// at the end (ru_maxrss) would not do: it counts the parent's memory too, at
// the moment of the fork.
func (p *process) watchMemory() {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-p.ended:
			return
		case <-tick.C:
			if n := memory(p.cmd.Process.Pid, "VmHWM:"); n > 0 {
				p.peak.Store(n)
			}
		}
	}
}

// memory is a line of /proc/PID/status in bytes, 0 if it cannot be read.
func memory(pid int, line string) int64 {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if rest, ok := strings.CutPrefix(s.Text(), line); ok {
			kib, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 10, 64)
			return kib << 10
		}
	}
	return 0
}

// cpuTime is what a running process has used so far.
func cpuTime(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the name may have spaces
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(f[11], 10, 64)
	system, _ := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * (time.Second / 100) // clock ticks
}

func tail(file string, n int) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-n):], "\n")
}
