package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/lsst-sqre/kafka-aggregator/test/kafka"
)

// start leaves brokers and a registry running and, in dir, their pids.
func start(ctx context.Context, dir string, brokers, port, registryPort int) error {
	pids, err := pidFiles(dir)
	if err != nil {
		return err
	}
	for _, file := range pids {
		if pid, alive := running(file); alive {
			return fmt.Errorf("already running as process %d; stop it first", pid)
		}
	}
	if err := os.RemoveAll(dir); err != nil { // data of the last run
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	cluster, err := kafka.LaunchCluster(ctx, brokers, kafka.Options{Dir: dir, Port: port, Heap: heap(brokers), Daemon: true})
	if err != nil {
		return err
	}
	for _, b := range cluster.Brokers() {
		if err := writePid(dir, fmt.Sprintf("kafka-%d.pid", b.Node), b.Pid()); err != nil {
			return err
		}
	}
	url, err := startRegistry(ctx, dir, registryPort)
	if err != nil {
		return errors.Join(err, cluster.Stop())
	}
	fmt.Printf("Kafka %s at %s, a Schema Registry at %s; data and logs in %s\n\n", kafka.Version, strings.Join(cluster.Addrs(), ","), url, dir)
	fmt.Printf("export KAFKA_BROKER_URL=kafka://%s SCHEMA_REGISTRY_URL=%s\n", cluster.Broker(1).Addr, url)
	return nil
}

// heap of each broker: one alone gets what is usual for it.
func heap(brokers int) string {
	if brokers == 1 {
		return "1g"
	}
	return ""
}

// startRegistry builds test/registry and starts it as a daemon. Its first
// line of output is its address.
func startRegistry(ctx context.Context, dir string, port int) (url string, err error) {
	binary := filepath.Join(dir, "registry")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "github.com/lsst-sqre/kafka-aggregator/test/registry").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the registry: %w\n%s", err, out)
	}
	log, err := os.Create(filepath.Join(dir, "registry.log"))
	if err != nil {
		return "", err
	}
	defer log.Close()
	cmd := exec.Command(binary, "-listen", "127.0.0.1:"+strconv.Itoa(port))
	cmd.Stderr = log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("start the registry: %w", err)
	}
	if err := writePid(dir, "registry.pid", cmd.Process.Pid); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("start the registry: it ended; see %s", log.Name())
	}
	return strings.TrimSpace(line), nil
}

// end stops what start left: the registry first, then the brokers, the
// controller last.
func end(dir string) error {
	pids, err := pidFiles(dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, file := range pids {
		pid, alive := running(file)
		if alive {
			errs = append(errs, terminate(pid))
		}
		if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// pidFiles are those in dir, in the order in which the processes may end.
func pidFiles(dir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.pid"))
	slices.Sort(files)
	slices.Reverse(files)
	return files, err
}

func terminate(pid int) error {
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop process %d: %w", pid, err)
	}
	for range 300 {
		if syscall.Kill(pid, 0) != nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("process %d did not stop within 30 s", pid)
}

func writePid(dir, name string, pid int) error {
	return os.WriteFile(filepath.Join(dir, name), []byte(strconv.Itoa(pid)+"\n"), 0o644)
}

// running reads a pid file. A process that does not exist any more does not
// count; after a reboot another one may have the number, so its command line
// must name the folder.
func running(file string) (pid int, alive bool) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	pid, err = strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || syscall.Kill(pid, 0) != nil {
		return 0, false
	}
	command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err == nil && !strings.Contains(string(command), filepath.Dir(file)) {
		return 0, false
	}
	return pid, true
}
