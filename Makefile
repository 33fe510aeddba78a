# One command for each task. On Debian and Ubuntu, Python 3.11+ and make are enough.

SHELL := /bin/sh
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
TEST_READY := $(VENV)/test-ready
CONSTRAINTS := deploy/constraints.txt
PREFIX ?= /usr/local
SYSTEM_PYTHON ?= /usr/bin/python3

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.PHONY: help
help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: init
init: $(READY) ## Set up, then write a starter providers.yaml from the models and keys that are found
	@$(BIN)/coderouter init

.PHONY: run
run: $(READY) ## Set up, then run proxy and exporter together until Ctrl-C
	@exec $(BIN)/coderouter run

.PHONY: test
test: $(TEST_READY) system-programs ## Set up, then run everything that CI runs: lint, types, tests
	@$(MAKE) --no-print-directory --jobs 2 --output-sync lint
	$(BIN)/pytest -q -n 4 --dist loadfile --no-loadscope-reorder

.PHONY: check
check: $(TEST_READY) ## Run lint, types and the fast tests, in under a minute
	@$(MAKE) --no-print-directory --jobs 2 --output-sync lint fast-tests

.PHONY: fast-tests
fast-tests: $(TEST_READY)
	$(BIN)/pytest -q -n 2 --dist loadfile -m 'not slow and not long'

.PHONY: lint
lint: mypy pyright style ## Check style and types

.PHONY: mypy pyright
mypy pyright: $(TEST_READY)
	$(BIN)/$@

.PHONY: style
style: $(TEST_READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	@sh deploy/lint-page $(VENV)

.PHONY: format
format: $(TEST_READY) ## Reformat the sources
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	@sh deploy/lint-page $(VENV) --write

.PHONY: golden
golden: $(TEST_READY) ## Rewrite the golden files of the tests from what the code prints now
	PYTHONPATH=tests $(BIN)/python -m support.exporter.golden

.PHONY: docs
docs: $(TEST_READY) ## Print tables from the code into the documentation
	PYTHONPATH=tests $(BIN)/python -m support.docs

.PHONY: dashboard
dashboard: $(TEST_READY) ## Generate the Grafana dashboard from its table of panels
	PYTHONPATH=grafana $(BIN)/python -m coderouter_dashboard

.PHONY: dashboard-preview
dashboard-preview: $(TEST_READY) system-programs ## Draw the pictures of the README: Grafana and the page over generated traffic
	PYTHONPATH=grafana:tests $(BIN)/python -m preview

.PHONY: bench
bench: $(TEST_READY) ## Measure speed, as ratios within one run; written to build/bench.json as well
	PYTHONPATH=tests $(BIN)/python -m bench --json build/bench.json

.PHONY: bench-compare
bench-compare: OLD ?= $(filter %.json,$(MAKECMDGOALS))
bench-compare: bench ## Measure, and print what changed since the figures in a file: make bench-compare OLD.json
	PYTHONPATH=tests $(BIN)/python -m bench.compare $(OLD) build/bench.json

.PHONY: bench-repair
bench-repair: $(TEST_READY) ## Count, by format, which texts of models reach the client as they should (IDS explains some)
	PYTHONPATH=tests $(BIN)/python -m repair_corpus.run $(IDS)

.PHONY: long-tests
long-tests: $(TEST_READY) system-programs ## Run the further cases of slow tests, which `make test` leaves out
	$(BIN)/pytest -q -n 4 --dist loadfile -m long

.PHONY: soak
soak: $(TEST_READY) system-programs ## Load, rotate, kill and restart for ten minutes (SOAK_S), then compare all counts
	PYTHONPATH=tests $(BIN)/python -m soak

.PHONY: chaos
chaos: $(TEST_READY) ## Search at length for a sequence of accidents that breaks the totals
	CHAOS_RUNS=1000 CHAOS_STEPS=100 $(BIN)/pytest -q -s tests/exporter/engine/test_model.py

.PHONY: faults
faults: $(TEST_READY) ## Let each system call of the exporter fail with each error (FAULTS picks calls)
	PYTHONPATH=tests $(BIN)/python -m faults $(FAULTS)

.PHONY: fuzz
fuzz: $(TEST_READY) ## Damage 100,000 answers, their HTTP and requests (FUZZ_RUNS), and ten times as many event lines
	PYTHONPATH=tests $(BIN)/python -m fuzz

.PHONY: load
load: $(TEST_READY) ## Send 2,000 streams, large bodies, floods and odd clients; the proxy stays within its bounds
	PYTHONPATH=tests $(BIN)/python -m load

.PHONY: first-minutes
first-minutes: $(TEST_READY) ## Install as a first user does: clean root, uv, beside other products (root, package index)
	PYTHONPATH=tests $(BIN)/python -m first_minutes

.PHONY: agents
agents: $(TEST_READY) ## Run real agents (from npm and PyPI) and a real model through the proxy: half an hour
	PYTHONPATH=tests $(BIN)/python -m real_agents

.PHONY: constraints
constraints: $(TEST_READY) ## Pin the versions that are installed now
	$(BIN)/pip freeze --exclude-editable | sort -f > $(CONSTRAINTS)

.PHONY: hashes
hashes: ## Write what services install, with hashes, for the pinned versions
	@sh deploy/write-hashes $(PYTHON)

.PHONY: install
install: ## Install or upgrade the system services (PREFIX, DESTDIR, SYSTEM_PYTHON)
	@PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' SYSTEM_PYTHON='$(SYSTEM_PYTHON)' sh deploy/install

.PHONY: uninstall
uninstall: ## Uninstall the services; data is kept unless PURGE=1
	@PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' PURGE='$(PURGE)' sh deploy/uninstall

.PHONY: system-programs
system-programs:
	@sh tests/system-programs

.PHONY: clean
clean: ## Remove everything that the other targets created
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Two stamps: `make run` installs only what running needs.
$(READY): pyproject.toml $(CONSTRAINTS)
	@sh deploy/make-venv $(PYTHON) $(VENV)
	$(BIN)/pip install --quiet --constraint $(CONSTRAINTS) --editable .
	@touch $@

$(TEST_READY): pyproject.toml $(CONSTRAINTS)
	@sh deploy/make-venv $(PYTHON) $(VENV)
	$(BIN)/pip install --quiet --constraint $(CONSTRAINTS) --editable '.[dev]'
	@touch $(READY) $@
