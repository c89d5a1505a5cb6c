PYTHON ?= python3
SIZE   ?= small
BIN    := .venv/bin
LOCK   := $(BIN)/uv pip compile -q pyproject.toml --universal --generate-hashes --no-header --exclude-newer "7 days"
FRONT  := pyproject.toml hatch_build.py frontend/package-lock.json $(shell find frontend/src -type f)

.DEFAULT_GOAL := help
.PHONY: help setup run test check e2e bench format lock

help:                ## list the verbs
	@grep -E '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

setup: .venv/.run    ## make the environment, so that .venv/bin/liandong works

run: .venv/.run      ## a demonstration archive in the browser
	$(BIN)/liandong demo load
	$(BIN)/liandong serve

test: .venv/.dev     ## the tests that need no browser
	$(BIN)/pytest -n auto --disable-socket --allow-unix-socket -m "not e2e"

check: .venv/.dev    ## lint, types, import contracts, migrations, docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/deptry .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/liandong manage makemigrations --check --dry-run

e2e: .venv/.e2e      ## browser journeys, axe, budgets, print
	$(BIN)/pytest -m e2e

bench: .venv/.dev    ## measurements, JSON lines; SIZE=full for the long ones
	$(BIN)/python -m benchmarks --size $(SIZE)

format: .venv/.dev   ## fix and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: .venv/.dev     ## compile requirements/*.lock anew
	$(LOCK) --group build -o requirements/run.lock
	$(LOCK) --group build --group dev -c requirements/run.lock -o requirements/dev.lock
	$(LOCK) --group build --group dev --group e2e -c requirements/dev.lock -o requirements/e2e.lock

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.%: requirements/%.lock $(FRONT) | .venv/bin/python
	$(BIN)/pip install -q --require-hashes -r $<
	$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	touch $@
