# make test does all that the tests need, from a fresh clone on; make help lists the rest.

GO ?= go
BIN := bin/contactbook

# The linters have a module of their own, so that they never weigh on the program's.
STATICCHECK := $(GO) tool -modfile=tools/go.mod staticcheck

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' Makefile

.PHONY: build
build: ## build bin/contactbook, one static binary
	CGO_ENABLED=0 $(GO) build -trimpath -o $(BIN) ./cmd/contactbook

.PHONY: setup
setup: ## find or install what the tests need: PostgreSQL, curl, a C compiler, git, systemd-analyze
	@GO='$(GO)' sh tools/setup.sh

# Those of e2e's tests that run under the race detector each time; make nightly has all of them run so (O1).
RACED := ^Test(SecondTenant|Model|Linearizable|Overload|SIGTERM|RollingUpgrade|Canaries|DatabaseFailures)$$

.PHONY: test
test: setup ## set up, then run all tests; the units and what is likely to race under the race detector
	CGO_ENABLED=1 $(GO) test -race -timeout 20m $$($(GO) list ./... | grep -v /e2e$$)
	CGO_ENABLED=1 $(GO) test -race -timeout 20m -run '$(RACED)' ./e2e
	$(GO) test -timeout 20m -skip '$(RACED)' ./e2e
	cd tools && $(GO) test ./...
	cd bench && $(GO) test ./...

# Progress goes to the terminal, what the tests print to dist/proof, and what they find to docs/reliability.md.
PROOF = GO='$(GO)' $(if $(SEED),CONTACTBOOK_SEED='$(SEED)') $(GO) run -C tools ./proof -only '$(ONLY)'

.PHONY: nightly
nightly: setup ## show all that docs/reliability.md promises, on a quiet machine, under 2 hours; ONLY=R1,M1 for some
	$(PROOF) -size nightly

.PHONY: release-check
release-check: setup ## the same, as long as it takes
	$(PROOF) -size release

.PHONY: plants
plants: setup ## put faults into the program and see that the tests find them; ONLY=P01,P02 for some
	$(PROOF) -what plants

.PHONY: bench
bench: ## measure side by side with peers, about 25 minutes, into bench/RESULTS.md
	cd bench && $(GO) run .

.PHONY: bench-10m
bench-10m: ## measure contactbook alone up to 10 million contacts, about 50 minutes
	cd bench && $(GO) run . -name 10m -subjects contactbook-sqlite,contactbook-postgres -sizes 0,10k,1m,10m -rounds 3 -growth 10m -growth-time 15m

.PHONY: lint
lint: ## gofmt, go vet, staticcheck, and both modules tidy
	@files=$$(gofmt -l .) || exit 1; \
	if [ -n "$$files" ]; then echo "gofmt would change:"; echo "$$files"; exit 1; fi
	$(GO) vet ./...
	$(STATICCHECK) ./...
	cd tools && $(GO) vet ./... && $(GO) tool staticcheck ./...
	cd bench && $(GO) vet ./...
	$(GO) mod tidy -diff
	cd tools && $(GO) mod tidy -diff
	cd bench && $(GO) mod tidy -diff

.PHONY: release
release: ## build the archives for all platforms, and their sums, in dist
	@GO='$(GO)' sh tools/release.sh

.PHONY: reproducible
reproducible: ## build what is committed twice, in two folders, and compare the archives
	@GO='$(GO)' sh tools/reproducible.sh

.PHONY: clean
clean: ## remove what was built
	rm -rf bin dist coverage coverage.out coverage.html
