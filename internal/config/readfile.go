package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// Bounds of the files that a configuration consists of, in bytes. Who names
// the wrong file, a device say, gets an error and not a process without memory.
const (
	maxFile   = 1 << 20  // the configuration itself
	maxSecret = 64 << 10 // a password
	maxPEM    = 8 << 20  // certificates; the bundle of a whole system has a few hundred KiB
)

// pipeWait is how long a pipe may stay without a word.
const pipeWait = 10 * time.Second

// errTooLarge is a file that cannot be what it was named as.
type errTooLarge struct{ most int }

func (e errTooLarge) Error() string { return fmt.Sprintf("has more than %d bytes", e.most) }

// errSilentPipe is a named pipe without a writer.
var errSilentPipe = fmt.Errorf("is a pipe, and nobody has written to it for %s", pipeWait)

// readFile reads a file of at most so many bytes, or what comes out of a pipe,
// as of <(command). It does not wait for ever, and it does not read for ever.
// Errors are *os.PathError.
func readFile(name string, most int) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.Mode()&os.ModeNamedPipe != 0 {
		return readPipe(name, most, time.Now().Add(pipeWait))
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAtMost(f, name, most)
}

// readPipe does not block: to open a pipe that nobody writes to would, and
// reading it then ends at once.
func readPipe(name string, most int, until time.Time) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := f.SetReadDeadline(until); err != nil {
		return nil, err
	}
	for {
		text, err := readAtMost(f, name, most)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded), err == nil && len(text) == 0 && time.Now().After(until):
			return nil, &os.PathError{Op: "read", Path: name, Err: errSilentPipe}
		case err != nil || len(text) > 0:
			return text, err
		}
		time.Sleep(5 * time.Millisecond) // its writer has not come yet
	}
}

func readAtMost(r io.Reader, name string, most int) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, int64(most)+1))
	if err == nil && len(text) > most {
		return nil, &os.PathError{Op: "read", Path: name, Err: errTooLarge{most}}
	}
	return text, err
}
