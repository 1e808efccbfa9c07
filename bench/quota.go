package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// quotaPeriod is that of the kernel's CPU quotas, and of Kubernetes' limits.
const quotaPeriod = 100 * time.Millisecond

// quota holds processes to a share of a core each: by a control group of the
// kernel where one can be made, else by stopping and continuing the process.
type quota struct {
	cores  float64
	parent string    // control group in which others can be made; "": none
	file   string    // of the quota
	format string    // of what is written to the file
	none   string    // what is written if there is to be no quota
	weight [2]string // file, and ten times the usual weight
}

// newQuota finds out what can be had here.
func newQuota(cores float64, pulse bool) *quota {
	q := &quota{cores: cores}
	for _, c := range controlGroups() {
		if pulse {
			break
		}
		c.cores = cores
		*q = c
		if group, err := q.group("trial", true); err == nil {
			_ = os.Remove(group) // empty, so it can go
			return q
		}
	}
	return &quota{cores: cores}
}

// controlGroups are where this process' own groups may be, with version 1 and
// version 2 of the kernel's interface.
func controlGroups() (out []quota) {
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		switch {
		case len(f) < 3:
		case f[1] == "":
			for _, mount := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
				out = append(out, quota{parent: filepath.Join(mount, f[2]), file: "cpu.max", format: "%d 100000", none: "max", weight: [2]string{"cpu.weight", "1000"}})
			}
		case strings.Contains(","+f[1]+",", ",cpu,"):
			out = append(out, quota{parent: filepath.Join("/sys/fs/cgroup", f[1], f[2]), file: "cpu.cfs_quota_us", format: "%d", none: "-1", weight: [2]string{"cpu.shares", "10240"}})
		}
	}
	return out
}

// group makes a control group, with the quota or without. Other processes of
// the machine take little from one in it: the quota is to be its only limit.
func (q *quota) group(name string, limited bool) (string, error) {
	group := filepath.Join(q.parent, fmt.Sprintf("kafka-bench-%d-%s", os.Getpid(), name))
	if err := os.Mkdir(group, 0o755); err != nil {
		return "", err
	}
	value := q.none
	if limited {
		value = fmt.Sprintf(q.format, int(q.cores*float64(quotaPeriod.Microseconds())))
	}
	if err := os.WriteFile(filepath.Join(group, q.file), []byte(value), 0o644); err != nil {
		_ = os.Remove(group)
		return "", err
	}
	_ = os.WriteFile(filepath.Join(group, q.weight[0]), []byte(q.weight[1]), 0o644) // it does without, too
	return group, nil
}

func (q *quota) String() string {
	if q.parent == "" {
		return "by stopping and continuing it"
	}
	return "by a quota of the kernel (" + q.file + ")"
}

// hold holds a process to the share until release is called, which has to be
// after its end.
func (q *quota) hold(pid int, ended <-chan struct{}) (release func(), err error) {
	if q.parent == "" {
		var w sync.WaitGroup
		w.Go(func() { q.pulse(pid, ended) })
		return w.Wait, nil
	}
	return q.put(pid, true)
}

// favour gives the process the weight without the quota, where that can be.
func (q *quota) favour(pid int) (release func(), err error) {
	if q.parent == "" {
		return func() {}, nil
	}
	return q.put(pid, false)
}

// put puts the process into a control group of its own.
func (q *quota) put(pid int, limited bool) (release func(), err error) {
	group, err := q.group(strconv.Itoa(pid), limited)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(group, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0o644); err != nil {
		_ = os.Remove(group)
		return nil, err
	}
	return func() {
		for range 50 { // the kernel may need a moment after the end of the process
			if os.Remove(group) == nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		progress("control group %s is left behind", group)
	}, nil
}

// pulse stops the process whenever it has used more than its share, and lets
// it go on when time has caught up. What it may save up is one period's share.
func (q *quota) pulse(pid int, ended <-chan struct{}) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	last, used := time.Now(), ran(pid)
	credit, stopped := 0.0, false // in seconds of CPU
	for {
		select {
		case <-ended:
			return
		case now := <-tick.C:
			u := ran(pid)
			credit += now.Sub(last).Seconds()*q.cores - (u - used).Seconds()
			credit = min(credit, q.cores*quotaPeriod.Seconds())
			last, used = now, u
			if stop := credit < 0; stop != stopped {
				stopped = stop
				_ = syscall.Kill(pid, map[bool]syscall.Signal{true: syscall.SIGSTOP, false: syscall.SIGCONT}[stop]) // it may have ended
			}
		}
	}
}

// ran is the CPU time of all threads of a process in ns; 0 if it has ended.
func ran(pid int) (sum time.Duration) {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		return 0
	}
	for _, file := range tasks {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		first, _, _ := bytes.Cut(text, []byte(" "))
		ns, _ := strconv.ParseInt(string(first), 10, 64)
		sum += time.Duration(ns)
	}
	return cmp.Or(sum, cpuTime(pid)) // kernels may be without schedstat
}
