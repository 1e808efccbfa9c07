# What can be done here: make help

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
FUZZTIME ?= 10s
DURATION ?= 30s
BROKERS ?= 1
PORT ?= 0
REGISTRY_PORT ?= 0
RUN ?= .
SEED ?= 1
SEEDS ?= 50

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/kafka-aggregator, a static binary
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o bin/kafka-aggregator ./cmd/kafka-aggregator

.PHONY: test
test: ## all tests that need Go only
	go test ./...

.PHONY: race
race: ## the same tests under the race detector (needs a C compiler), with the invariants that are too dear for production
	go test -race -tags invariants ./internal/...

.PHONY: lint
lint: vet staticcheck ## go vet, staticcheck, and the rules of internal/lint
	go test -count=1 ./internal/lint

.PHONY: vet
vet: ## go vet, also of the tests for a real Kafka
	go vet ./...
	go vet -tags e2e ./test/...
	go vet -tags chaos ./test/chaos
	go vet -tags 'synctests invariants' ./internal/sim ./internal/worker ./internal/agent ./internal/stats

.PHONY: staticcheck
staticcheck: ## staticcheck, in the version of go.mod
	go tool staticcheck ./...
	go tool staticcheck -tags e2e ./test/...
	go tool staticcheck -tags chaos ./test/chaos
	go tool staticcheck -tags 'synctests invariants' ./internal/sim ./internal/worker ./internal/agent ./internal/stats

.PHONY: format
format: ## gofmt all files
	gofmt -w bench cmd internal test

.PHONY: fuzz
fuzz: ## each fuzz test for FUZZTIME (10s)
	for file in $$(grep -rl --include='*_test.go' '^func Fuzz' internal); do \
	  for name in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' $$file); do \
	    echo "== $$(dirname $$file) $$name"; \
	    go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) ./$$(dirname $$file); \
	  done; \
	done

.PHONY: golden
golden: ## compute the golden statistics again with Python 3.11 or newer (2 minutes)
	$(PYTHON) test/oracle/golden/make.py --check

.PHONY: sim
sim: ## whole workers under faults in virtual time: SEEDS (50) seeds from SEED (1) on
	go test -tags 'synctests invariants' -count=1 -v -timeout 12h -run 'TestSim$$' ./internal/sim -seed $(SEED) -runs $(SEEDS)

.PHONY: bench
bench: ## all benchmarks on a real Kafka, beside Kafka Streams and Flink (30 minutes); RUN=backlog, wide, live, scale or many: one
	go run ./bench $(BENCHFLAGS) $(filter-out .,$(RUN))

.PHONY: bench-quick
bench-quick: ## the same without the peers, and shorter
	go run ./bench -peers=false -live 1m $(BENCHFLAGS) $(filter-out .,$(RUN))

.PHONY: scale
scale: ## throughput of 1, 2 and 4 workers of a fifth of a core each (8 minutes)
	go run ./bench $(BENCHFLAGS) scale

.PHONY: demo
demo: ## the demo for DURATION (30s)
	go run ./cmd/kafka-aggregator demo --duration $(DURATION)

.PHONY: kafka
kafka: ## start a real Kafka of BROKERS (1) and a registry (Java 17 and Maven), at PORT and REGISTRY_PORT or free ones
	@go run ./test/kafka/run -brokers $(BROKERS) -port $(PORT) -registry-port $(REGISTRY_PORT) start

.PHONY: kafka-stop
kafka-stop: ## stop them
	@go run ./test/kafka/run stop

.PHONY: e2e
e2e: ## tests on a real Kafka with an oracle in Python; one of them with RUN=TestName
	go test -tags e2e -count=1 -v -timeout 25m -run '$(RUN)' ./test/e2e ./test/kafka

.PHONY: chaos
chaos: DURATION = 3m
chaos: ## workers killed and stopped, broker and registry away, and bad topics among the others (BAD=0: none): DURATION (3m) or KILLS, SEED, DELIVERY, SPLIT, WORKERS, RATE, LOG
	KILLS=$(KILLS) DURATION=$(DURATION) SEED=$(SEED) DELIVERY=$(DELIVERY) SPLIT=$(SPLIT) WORKERS=$(WORKERS) RATE=$(RATE) LOG=$(LOG) BAD=$(BAD) \
	  go test -tags chaos -count=1 -v -timeout 12h -run 'TestChaos$$' ./test/chaos

.PHONY: faults
faults: ## the numbered faults, on the embedded broker and on a real Kafka; one with RUN=TestF05
	go test -tags e2e -count=1 -v -timeout 30m -run '$(RUN)' ./test/faults

.PHONY: clean
clean: ## remove what was built; Kafka's jars too
	rm -rf bin build
