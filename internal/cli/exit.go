package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lsst-sqre/kafka-aggregator/internal/cluster"
	"github.com/lsst-sqre/kafka-aggregator/internal/config"
)

// Exit codes. 64, 69 and 78 are those of sysexits.h.
const (
	exitFailed      = 1
	exitDifferences = 2
	exitUsage       = 64
	exitUnavailable = 69
	exitConfig      = 78
	exitInterrupted = 130
)

// exitHelp is the table of exit codes in help and documentation.
const exitHelp = `Exit codes:
    0  done
    1  failed
    2  plan found differences (only with --detailed-exitcode)
   64  wrong usage
   69  broker or registry not reachable
   78  wrong configuration
  130  interrupted`

// failure is an error with a hint for the user, and an exit code of its own (0: decided by the error).
type failure struct {
	err  error
	hint string
	code int
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// withHint adds what the user can do about an error.
func withHint(err error, format string, args ...any) error {
	return &failure{err: err, hint: fmt.Sprintf(format, args...)}
}

// usageError is a command line that makes no sense.
func usageError(hint, format string, args ...any) error {
	return &failure{err: fmt.Errorf(format, args...), hint: hint, code: exitUsage}
}

// errDifferences ends plan --detailed-exitcode without a message.
var errDifferences = errors.New("")

// exitCode decides what the end of a command means to a shell.
func exitCode(err error) int {
	for f, ok := errors.AsType[*failure](err); ok; f, ok = errors.AsType[*failure](f.err) {
		if f.code != 0 {
			return f.code
		}
	}
	if unreachable(err) {
		return exitUnavailable
	}
	if _, ok := errors.AsType[*cluster.SettingsError](err); ok {
		return exitConfig
	}
	if c, ok := errors.AsType[*config.Error](err); ok {
		for _, p := range c.Problems {
			if p.Origin.Flag == "" {
				return exitConfig
			}
		}
		return exitUsage
	}
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errDifferences):
		return exitDifferences
	case errors.Is(err, errInterrupted):
		return exitInterrupted
	case isNetwork(err):
		return exitUnavailable
	}
	return exitFailed
}

// unreachable tells whether a broker or registry does not do its work.
func unreachable(err error) bool {
	_, ok := errors.AsType[*cluster.Unreachable](err)
	return ok
}

func isNetwork(err error) bool {
	if _, ok := errors.AsType[net.Error](err); ok { // includes deadlines
		return true
	}
	return errors.Is(err, kgo.ErrRecordTimeout) || errors.Is(err, context.DeadlineExceeded)
}

// explain writes an error, and each hint on a line that follows.
func explain(w io.Writer, err error) {
	if errors.Is(err, errDifferences) {
		return
	}
	if c, ok := errors.AsType[*config.Error](err); ok {
		for _, p := range c.Problems {
			fmt.Fprintln(w, "error:", p)
			if p.Hint != "" {
				fmt.Fprintln(w, "hint:", p.Hint)
			}
		}
		return
	}
	fmt.Fprintln(w, "error:", strings.TrimSuffix(err.Error(), "\n"))
	if f, ok := errors.AsType[*failure](err); ok && f.hint != "" {
		fmt.Fprintln(w, "hint:", f.hint)
	} else if u, ok := errors.AsType[*cluster.Unreachable](err); ok {
		fmt.Fprintln(w, "hint:", whereabouts(u))
	}
}

// whereabouts is what the user can do about a service that is not there.
func whereabouts(u *cluster.Unreachable) string {
	if u.Answered {
		return fmt.Sprintf("is %s right? %s comes from: %s", u.Address, u.Key, u.Origin)
	}
	return fmt.Sprintf("is it running? %s comes from: %s", u.Key, u.Origin)
}
