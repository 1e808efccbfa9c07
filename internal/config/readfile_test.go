package config

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestSilentPipe: one that nobody writes to is given up, and so is one whose
// writer says nothing.
func TestSilentPipe(t *testing.T) {
	name := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Skip(err)
	}
	if _, err := readPipe(name, maxFile, time.Now()); !errors.Is(err, errSilentPipe) {
		t.Error("without a writer:", err)
	}
	writer, err := syscall.Open(name, syscall.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(writer)
	if _, err := readPipe(name, maxFile, time.Now()); !errors.Is(err, errSilentPipe) {
		t.Error("with a silent writer:", err)
	}
}
