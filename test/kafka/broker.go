package kafka

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Options of a broker. The zero value is a broker with its data in a new
// temporary folder, on free ports.
type Options struct {
	Dir      string            // configuration, data and log; "": a temporary folder
	Port     int               // 0: a free one
	Settings map[string]string // of server.properties, beside or in place of the usual ones
	Heap     string            // of the JVM; "": 1g
	Daemon   bool              // lives on after this process
}

// Broker is one Kafka process, or the place where one was.
type Broker struct {
	Addr string // host:port
	Dir  string
	Node int // its number in the cluster

	options Options
	jars    string
	process *os.Process
	exited  chan struct{} // closed when process has ended
}

// Start launches a broker for a test and stops it at its end. A Kafka that
// cannot start fails the test.
func Start(t testing.TB, settings map[string]string) *Broker {
	t.Helper()
	b, err := Launch(t.Context(), Options{Dir: t.TempDir(), Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("last lines of the broker's log:\n%s", b.LogTail(30))
		}
		if err := b.Kill(); err != nil { // its data are of no use any more
			t.Error(err)
		}
	})
	return b
}

// Launch formats a data folder and starts a broker in it; it returns when the
// broker answers.
func Launch(ctx context.Context, o Options) (*Broker, error) {
	if o.Dir == "" {
		var err error
		if o.Dir, err = os.MkdirTemp("", "kafka-"); err != nil {
			return nil, err
		}
	}
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	if o.Port > 0 {
		ports[0] = o.Port
	}
	b, err := prepare(ctx, o, place{node: 1, port: ports[0], controller: ports[1]})
	if err != nil {
		return nil, err
	}
	return b, b.Restart(ctx)
}

// place is where a broker stands in its cluster.
type place struct {
	node       int // 1 is the controller too
	port       int
	controller int // port of the controller
}

// prepare formats a broker's data folder.
func prepare(ctx context.Context, o Options, at place) (*Broker, error) {
	jars, err := Install(ctx)
	if err != nil {
		return nil, err
	}
	b := &Broker{Addr: fmt.Sprintf("127.0.0.1:%d", at.port), Dir: o.Dir, Node: at.node, options: o, jars: jars}
	if err := write(o.Dir, at, o.Settings); err != nil {
		return nil, err
	}
	format := b.java(ctx, "kafka.tools.StorageTool", "format", "-t", "a2Fma2EtYWdncmVnYXRvcg", "-c", filepath.Join(o.Dir, "server.properties"))
	if out, err := format.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("format Kafka's data folder: %w\n%s", err, out)
	}
	return b, nil
}

// java is a command in Kafka's class path. Its arguments stand after the
// class name.
func (b *Broker) java(ctx context.Context, class string, args ...string) *exec.Cmd {
	heap := b.options.Heap
	if heap == "" {
		heap = "1g"
	}
	return exec.CommandContext(ctx, "java", append([]string{
		"-Xms256m", "-Xmx" + heap, "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20",
		"-Dlog4j2.configurationFile=" + filepath.Join(b.Dir, "log4j2.properties"),
		"-cp", filepath.Join(b.jars, "*"), class,
	}, args...)...)
}

// Restart starts the process again, after Stop or Kill, on the same port with
// the same data, and waits until it answers.
func (b *Broker) Restart(ctx context.Context) error {
	log, err := os.OpenFile(b.logFile(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := b.java(context.Background(), "kafka.Kafka", filepath.Join(b.Dir, "server.properties"))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = ownProcess(b.options.Daemon)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start Kafka: %w", err)
	}
	b.process, b.exited = cmd.Process, make(chan struct{})
	go func() {
		_ = cmd.Wait() // the exit status of a killed broker says nothing
		close(b.exited)
	}()
	if err := b.waitReady(ctx); err != nil {
		_ = b.Kill()
		return fmt.Errorf("start Kafka: %w; its log ends:\n%s", err, b.LogTail(20))
	}
	return nil
}

// Pid of the broker's process.
func (b *Broker) Pid() int { return b.process.Pid }

// Stop ends the broker in good order and waits for its end.
func (b *Broker) Stop() error { return b.end(syscall.SIGTERM) }

// Kill ends it as kill -9 does, and waits for its end.
func (b *Broker) Kill() error { return b.end(syscall.SIGKILL) }

// Pause freezes the process (SIGSTOP); Resume lets it go on (SIGCONT).
func (b *Broker) Pause() error { return b.process.Signal(syscall.SIGSTOP) }

// Resume undoes Pause.
func (b *Broker) Resume() error { return b.process.Signal(syscall.SIGCONT) }

func (b *Broker) end(signal os.Signal) error {
	if b.process == nil {
		return nil // it was never started
	}
	if err := b.process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("end Kafka: %w", err)
	}
	select {
	case <-b.exited:
		return nil
	case <-time.After(60 * time.Second):
		_ = b.process.Kill()
		<-b.exited
		return errors.New("end Kafka: it did not end within 60 s and was killed")
	}
}

func (b *Broker) logFile() string { return filepath.Join(b.Dir, "broker.log") }

// LogTail is the last lines of what the broker wrote.
func (b *Broker) LogTail(lines int) string {
	text, err := os.ReadFile(b.logFile())
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
