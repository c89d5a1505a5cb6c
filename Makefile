PYTHON ?= python3
SIZE   ?= small
BIN    := .venv/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check install -q
LOCK   := $(BIN)/uv pip compile -q pyproject.toml --universal --generate-hashes --no-header --no-emit-index-url --exclude-newer "7 days"
BUILT  := pyproject.toml hatch_build.py $(wildcard frontend/*.json frontend/*.ts frontend/.npmrc) \
          $(shell find frontend/src src -path '*/node_modules' -prune -o -type f \( -path 'frontend/src/*' -o -name '*.po' \) -print)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup run test check e2e bench services format lock

help:                ## list the verbs
	@grep -E '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

setup: .venv/.run .venv/.built ## make the environment, so that .venv/bin/liandong works

run: setup           ## a demonstration archive in the browser
	$(BIN)/liandong demo load
	LIANDONG_SECOND_FACTOR= $(BIN)/liandong serve

test: setup .venv/.dev ## the tests that need no browser
	$(BIN)/python -m pytest -n auto --dist=worksteal --disable-socket --allow-unix-socket -m "not e2e" --ignore=tests/e2e

check: setup .venv/.dev ## lint, types, import contracts, migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/deptry .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/liandong manage makemigrations --check --dry-run

e2e: setup .venv/.e2e ## browser journeys, axe, budgets, print
	@command -v "$${CHROMIUM:-chromium}" >/dev/null || { \
	  echo "没有浏览器。安装 Install: apt-get install -y --no-install-recommends chromium fonts-noto-cjk" >&2; exit 1; }
	$(BIN)/python -m pytest -n 2 --dist=loadfile -m e2e tests/e2e

bench: setup .venv/.dev ## measurements, JSON lines; SIZE=full for the long ones
	$(BIN)/python -m benchmarks --size $(SIZE)

services: setup .venv/.dev ## PostgreSQL, OpenSearch, S3 on the loopback, until Ctrl-C
	$(BIN)/python -m tests.services

format: .venv/.dev   ## fix and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: .venv/.dev     ## compile requirements/*.lock anew
	$(LOCK) --group build -o requirements/run.lock
	$(LOCK) --extra cluster --group build -c requirements/run.lock -o requirements/cluster.lock
	$(LOCK) --extra cluster --group build --group dev -c requirements/cluster.lock -o requirements/dev.lock
	$(LOCK) --extra cluster --group build --group dev --group e2e -c requirements/dev.lock -o requirements/e2e.lock

.venv/bin/pip:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "没有 $(PYTHON)。安装 Install: apt-get install -y python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "需要 Python 3.11 以上 Python >= 3.11 is needed: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "缺少 venv 模块。安装 Install: apt-get install -y python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv .venv

.venv/.%: requirements/%.lock | .venv/bin/pip
	$(PIP) --require-hashes -r $<
	@touch $@

# The front end and the message catalogue; Python code is used where it stands.
.venv/.built: $(BUILT) | .venv/.run
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@
