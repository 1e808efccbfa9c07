package stack

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"github.com/lsst-sqre/kafka-aggregator/test/kafka"
)

// Tools are what all stacks of a test binary share.
type Tools struct {
	Root    string // of the repository
	Program string // kafka-aggregator, as built from the tree
	Python  string // with the oracle's requirements
}

// Install builds the program and sees to the oracle's environment, once.
var Install = sync.OnceValues(func() (Tools, error) {
	root, err := kafka.Root()
	if err != nil {
		return Tools{}, err
	}
	// A place of its own for each test binary, so that another one does not
	// change the program of workers that are started again.
	tools := Tools{Root: root, Program: filepath.Join(root, "build", "e2e", "bin", filepath.Base(os.Args[0]), "kafka-aggregator")}
	build := exec.Command("go", "build", "-o", tools.Program, "./cmd/kafka-aggregator")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return tools, fmt.Errorf("build the program: %w\n%s", err, out)
	}
	tools.Python, err = installOracle(root)
	return tools, err
})

// installOracle makes a virtual environment for test/oracle if there is none.
func installOracle(root string) (string, error) {
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
