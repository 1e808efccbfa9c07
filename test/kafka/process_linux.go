package kafka

import "syscall"

// ownProcess keeps the terminal's Ctrl-C away from the broker. One that is no
// daemon dies with this process, even if that one is killed.
func ownProcess(daemon bool) *syscall.SysProcAttr {
	if daemon {
		return &syscall.SysProcAttr{Setsid: true}
	}
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
