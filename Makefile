.DEFAULT_GOAL := help
SHELL := /bin/bash

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
WORLD ?= small
PAGER_OFF := PAGER=cat

export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export DO_NOT_TRACK := 1
export RUNTIME__DLTHUB_TELEMETRY := false
export DAGSTER_DISABLE_TELEMETRY := true
export DBT_PROFILES_DIR := $(CURDIR)
export DBT_PROJECT_DIR := $(CURDIR)
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help setup demo test lint format dagster sandbox reports docs serve bench lock clean

help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info[:2] in ((3, 11), (3, 12)) else "Leadhouse needs Python 3.11 or 3.12; found " + sys.version.split()[0] + ". Name one: make PYTHON=python3.11 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing locked dependencies into $(VENV) (first call only)..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

setup: $(STAMP) ## Make .venv from requirements.lock (the other targets do it by themselves)

demo: $(STAMP) ## Run the whole path on the sandbox CRM (WORLD=small|medium|large)
	@$(BIN)/leadhouse demo --world $(WORLD)

# Tests of the models and of the whole path beside all others, on two cores. What the first say is shown when they have
# ended.
MODELS := tests/e2e tests/integration/dbt_core

test: lint ## Run every test: style, types, dbt parse, unit, integration, end to end
	@log=$$(mktemp); $(BIN)/python -m pytest $(MODELS) > $$log 2>&1 & models=$$!; \
	$(BIN)/python -m pytest $(addprefix --ignore=,$(MODELS)); others=$$?; \
	wait $$models; built=$$?; cat $$log; rm -f $$log; exit $$((others || built))

lint: $(STAMP) ## Check style and types (ruff, mypy, sqlfmt)
	@$(BIN)/python -m ruff check . && $(BIN)/python -m ruff format --check .
	@$(BIN)/sqlfmt --check --quiet models macros tests/dbt
	@$(BIN)/python -m mypy

format: $(STAMP) ## Rewrite Python and SQL in the house style
	@$(BIN)/python -m ruff check --fix --quiet . ; $(BIN)/python -m ruff format --quiet .
	@$(BIN)/sqlfmt --quiet models macros tests/dbt

dagster: $(STAMP) ## Open Dagster on http://127.0.0.1:3000
	@$(BIN)/leadhouse dagster

sandbox: $(STAMP) ## Serve the sandbox CRM with the sample world (WORLD=small|medium|large)
	@$(BIN)/leadhouse sandbox --world $(WORLD)

reports: $(STAMP) ## Build the report pages from the published snapshot into site/
	@$(BIN)/leadhouse reports

docs: $(STAMP) ## Write the data dictionary and the lineage of every model into site/docs/
	@$(BIN)/leadhouse docs

serve: $(STAMP) ## Serve accounts and people by name, behind a token, on http://127.0.0.1:8766
	@$(BIN)/leadhouse serve

bench: $(STAMP) ## Run the benchmarks (WORLD=small|medium|large)
	@$(BIN)/python -m benchmarks.build --world $(WORLD)

lock: $(STAMP) ## Write requirements.lock anew from pyproject.toml (needs uv)
	@.ci/lock.sh

clean: ## Delete what the project wrote (data/, target/, site/), keep .venv
	@rm -rf data target site logs .dlt
