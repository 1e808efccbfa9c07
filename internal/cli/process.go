package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"
)

// Process is what a command knows of the process that it runs in.
type Process struct {
	Args    []string // without the program's name
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
	Environ []string         // as os.Environ gives it
	Signals <-chan os.Signal // the first one ends the command in order, the second at once; may be nil
	Exit    func(code int)   // ends the process at the second signal
}

// Main runs the command that the process was started with and returns its exit code.
func Main() int {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	return Run(Process{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Environ: os.Environ(), Signals: signals, Exit: os.Exit,
	})
}

// errInterrupted is the cause of a context that a signal has cancelled.
var errInterrupted = errors.New("interrupted")

// Run runs one command and returns its exit code.
func Run(p Process) int {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	done, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		p.watch(cancel, done)
	}()
	root := newRoot(&p)
	root.SetArgs(p.Args)
	err := root.ExecuteContext(ctx)
	close(done)
	<-watched
	if err != nil && context.Cause(ctx) == errInterrupted && errors.Is(err, context.Canceled) {
		err = errInterrupted
	}
	if err != nil {
		explain(p.Stderr, err)
	}
	return exitCode(err)
}

// watch cancels the command at the first signal and ends the process at the
// second. It returns when done is closed.
func (p *Process) watch(cancel context.CancelCauseFunc, done <-chan struct{}) {
	for n := 0; ; n++ {
		select {
		case <-done:
			return
		case <-p.Signals:
			if n > 0 {
				p.Exit(exitInterrupted)
				return
			}
			cancel(errInterrupted)
		}
	}
}

// terminal tells whether w is a terminal, and how many columns it has.
func terminal(w io.Writer) (columns int, ok bool) {
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil || columns <= 0 {
		columns = 80
	}
	return columns, true
}
