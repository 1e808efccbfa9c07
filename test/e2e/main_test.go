//go:build e2e

// Package e2e tests the program as it is delivered: the binary, a real Kafka,
// a registry that the test holds, and an oracle in another language. Run
// with "make e2e", or one test with "make e2e RUN=TestBacklog". A test fails if
// Kafka or Python cannot be started; none is skipped.
package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/lsst-sqre/kafka-aggregator/test/kafka"
)

// What all tests share, made by TestMain.
var (
	root    string // of the repository
	program string // kafka-aggregator
	python  string // with the oracle's requirements
)

func TestMain(m *testing.M) {
	if os.Getenv(fetchEnv) != "" { // this process is a helper of TestBacklog
		os.Exit(fetchMain())
	}
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func prepare() (err error) {
	if root, err = kafka.Root(); err != nil {
		return err
	}
	program = filepath.Join(root, "build", "e2e", "kafka-aggregator")
	build := exec.Command("go", "build", "-o", program, "./cmd/kafka-aggregator")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the program: %w\n%s", err, out)
	}
	python, err = installOracle()
	return err
}

// installOracle makes a virtual environment for test/oracle if there is none.
func installOracle() (string, error) {
	venv := filepath.Join(root, "build", "oracle", "venv")
	python := filepath.Join(venv, "bin", "python")
	if exec.Command(python, "-c", "import confluent_kafka, fastavro").Run() == nil {
		return python, nil
	}
	for _, c := range [][]string{
		{"python3", "-c", "import sys; assert sys.version_info >= (3, 11), 'Python 3.11 or newer: its statistics are exact'"},
		{"python3", "-m", "venv", "--clear", venv},
		{python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", filepath.Join(root, "test", "oracle", "requirements.txt")},
	} {
		if out, err := exec.Command(c[0], c[1:]...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("install the oracle: %v: %w\n%s", c, err, out)
		}
	}
	return python, nil
}
