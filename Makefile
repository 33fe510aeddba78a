# Every habit is one command. Nothing but Python 3.11+ and make is needed on Debian and Ubuntu.

SHELL := /bin/sh
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
CONSTRAINTS := deploy/constraints.txt
PREFIX ?= /usr/local
SYSTEM_PYTHON ?= /usr/bin/python3

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.PHONY: help
help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: init
init: $(READY) ## Set up, then write a first providers.yaml of the models and keys that are found
	@$(BIN)/coderouter init

.PHONY: run
run: $(READY) ## Set up, then run proxy and exporter together until Ctrl-C
	@exec $(BIN)/coderouter run

.PHONY: test
test: $(READY) system-programs lint ## Set up, then everything CI runs: lint, types, tests
	$(BIN)/pytest -q -n logical --maxprocesses 4 --dist loadfile

.PHONY: lint
lint: $(READY) ## Check style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pyright
	@sh deploy/lint-page $(VENV)

.PHONY: format
format: $(READY) ## Rewrite the sources in the project's format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	@sh deploy/lint-page $(VENV) --write

.PHONY: docs
docs: $(READY) ## Print the tables that documents take from the code
	PYTHONPATH=tests $(BIN)/python -m support.docs

.PHONY: dashboard
dashboard: $(READY) ## Print the Grafana dashboard from its table of panels
	PYTHONPATH=grafana $(BIN)/python -m coderouter_dashboard

.PHONY: dashboard-preview
dashboard-preview: $(READY) system-programs ## Draw the dashboard over an hour of made-up traffic, as grafana/preview.png
	PYTHONPATH=grafana:tests $(BIN)/python -m preview

.PHONY: bench
bench: $(READY) ## Measure speed, as ratios within one run
	PYTHONPATH=tests $(BIN)/python -m bench

.PHONY: soak
soak: $(READY) system-programs ## Load, rotate, kill and restart for ten minutes (SOAK_S); every count has to agree
	PYTHONPATH=tests $(BIN)/python -m soak

.PHONY: chaos
chaos: $(READY) ## Search for hours' worth of accidents that the totals do not survive
	CHAOS_RUNS=1000 CHAOS_STEPS=100 $(BIN)/pytest -q tests/exporter/engine/test_model.py

.PHONY: constraints
constraints: $(READY) ## Pin the versions that are installed now
	$(BIN)/pip freeze --exclude-editable | sort -f > $(CONSTRAINTS)

.PHONY: install
install: ## Install as system services (PREFIX, DESTDIR, SYSTEM_PYTHON); again: upgrade
	@PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' SYSTEM_PYTHON='$(SYSTEM_PYTHON)' sh deploy/install

.PHONY: uninstall
uninstall: ## Take the services out again; data stays, unless PURGE=1
	@PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' PURGE='$(PURGE)' sh deploy/uninstall

.PHONY: system-programs
system-programs:
	@sh tests/system-programs

.PHONY: clean
clean: ## Remove what the other targets made
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml $(CONSTRAINTS)
	@sh deploy/make-venv $(PYTHON) $(VENV)
	$(BIN)/pip install --quiet --constraint $(CONSTRAINTS) --editable '.[dev]'
	@touch $@
