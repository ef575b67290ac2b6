# The tasks of the project. `make` alone lists them.

VERSION      ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
IMAGE        ?= hotline:$(VERSION)
LINT_VERSION := v2.15.0
LINT         := .bin/golangci-lint-$(LINT_VERSION)

# Tests of this name move much data or kill processes: they run in a pass of their own without the
# race detector, under which SQLite is some twenty times slower.
HEAVY := ^Test(Volume|Kill)

.DEFAULT_GOAL := help
.PHONY: help run demo build test race lint fmt bench bench-large image generate clean tools

help: ## List the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## Start the demo city on 127.0.0.1:8080, data in ./data
	bin/hotline serve --demo --city config/cities/linyi --data ./data --listen 127.0.0.1:8080

demo: build ## Send the storm day to the gateway that `make run` started
	bin/hotline demo --to http://127.0.0.1:8080

build: ## Build bin/hotline, static
	CGO_ENABLED=0 go build -trimpath -ldflags "-X main.version=$(VERSION)" -o bin/hotline ./cmd/hotline

test: tools ## Run every check that must pass before a change is taken
	@echo "==> 1/4 build and vet"
	go build ./...
	go vet ./...
	@echo "==> 2/4 tests under the race detector"
	CGO_ENABLED=1 go test -race -timeout 15m -skip '$(HEAVY)' ./...
	@echo "==> 3/4 volume and kill tests, without it"
	go test -count=1 -timeout 15m -run '$(HEAVY)' ./...
	@echo "==> 4/4 formatting"
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then \
		echo "not formatted, run 'make fmt':"; echo "$$unformatted"; exit 1; fi
	@echo "all checks passed"

race: tools ## Run only the tests under the race detector (step 2 of test)
	CGO_ENABLED=1 go test -race -timeout 15m -skip '$(HEAVY)' ./...

# The race detector is linked by a C compiler, a test of the store watches its system calls, and the
# other engine's tests run private PostgreSQL servers, pages are handed to a private Alertmanager; on a bare
# Debian machine all are fetched once. Without strace, PostgreSQL or Alertmanager the tests in need of them say
# so and are skipped, but fail where CI is set.
tools:
	@missing=""; \
	command -v "$$(go env CC)" >/dev/null || missing="gcc libc6-dev"; \
	command -v strace >/dev/null || missing="$$missing strace"; \
	command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$$missing postgresql"; \
	command -v prometheus-alertmanager >/dev/null || command -v alertmanager >/dev/null || missing="$$missing prometheus-alertmanager"; \
	if [ -n "$$missing" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "==> installing $$missing"; \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$missing; } >/dev/null \
			|| echo "could not install $$missing"; \
	fi; \
	command -v "$$(go env CC)" >/dev/null || { echo "the race detector needs a C compiler: install gcc, then run make again" >&2; exit 1; }

lint: $(LINT) ## Run golangci-lint
	$(LINT) run ./...

$(LINT):
	@echo "==> installing golangci-lint $(LINT_VERSION)"
	GOBIN=$(CURDIR)/.bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	mv .bin/golangci-lint $@

fmt: $(LINT) ## Format the code and order its imports
	$(LINT) fmt ./...

bench: ## Measure the speed and print one table
	go run ./internal/bench

bench-large: ## Measure the tracker with 1,000,000 open tickets (eight minutes, 8 GB of disk)
	go run ./internal/bench -only ladder -open 1000000

image: ## Build the container image
	docker build --build-arg VERSION=$(VERSION) -t $(IMAGE) .

generate: ## Make generated files anew
	go generate ./...

clean: ## Remove what the tasks made; ./data stays
	rm -rf bin .bin
