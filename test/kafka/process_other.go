//go:build !linux

package kafka

import "syscall"

// ownProcess keeps the terminal's Ctrl-C away from the broker.
func ownProcess(bool) *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
