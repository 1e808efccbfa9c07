// Package kafka runs a real Apache Kafka, one KRaft node, for tests and for
// trying things out: no container, only Java 17 and Maven, which brings the
// jars that pom.xml names into build/ of the repository.
package kafka

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Version of Kafka, as in pom.xml.
const Version = "4.1.1"

// Root is the folder of this repository: the nearest one above the working
// directory with a go.mod.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("not inside the repository: no go.mod above the working directory")
		}
	}
}

// Install returns the folder with Kafka's jars; the first call on a machine
// lets Maven copy them there.
func Install(ctx context.Context) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	jars := filepath.Join(root, "build", "kafka", Version)
	if _, err := os.Stat(jars); err == nil {
		return jars, nil
	}
	// Maven writes beside, and the finished folder is moved into place: an
	// interrupted copy, or two at once, leave no half folder.
	if err := os.MkdirAll(filepath.Dir(jars), 0o755); err != nil {
		return "", err
	}
	part, err := os.MkdirTemp(filepath.Dir(jars), "copying-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(part)
	mvn := exec.CommandContext(ctx, "mvn", "-q", "-B", "-f", filepath.Join(root, "test", "kafka", "pom.xml"),
		"dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory="+part)
	if out, err := mvn.CombinedOutput(); err != nil {
		return "", fmt.Errorf("copy Kafka's jars with Maven: %w\n%s", err, out)
	}
	if err := os.Chmod(part, 0o755); err != nil {
		return "", err
	}
	if err := os.Rename(part, jars); err != nil {
		if _, there := os.Stat(jars); there == nil {
			return jars, nil
		}
		return "", err
	}
	return jars, nil
}
