package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/lsst-sqre/kafka-aggregator/internal/status"
)

// status is the worker's own view.
func (l *liveRun) status(ctx context.Context) (*status.Status, error) {
	body, err := l.get(ctx, "/api/status")
	if err != nil {
		return nil, err
	}
	var status status.Status
	if err := json.Unmarshal(body, &status); err != nil {
		return nil, fmt.Errorf("the worker's status: %w", err)
	}
	return &status, nil
}

// transactions are the worker's so far, and the seconds they took.
func (l *liveRun) transactions(ctx context.Context) (count, seconds float64, err error) {
	body, err := l.get(ctx, "/metrics")
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(body)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch name {
		case "kafka_aggregator_commit_duration_seconds_count":
			count, err = strconv.ParseFloat(value, 64)
		case "kafka_aggregator_commit_duration_seconds_sum":
			seconds, err = strconv.ParseFloat(value, 64)
		}
		if err != nil {
			return 0, 0, fmt.Errorf("the worker's metrics: %w", err)
		}
	}
	return count, seconds, nil
}

func (l *liveRun) get(ctx context.Context, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+l.listen+path, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	return io.ReadAll(answer.Body)
}
