# Every target is a line or two; `make help` lists them.
PYTHON ?= python3
PORT ?= 8000
DATA ?= fivesigma-demo
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable
export PYTHONSAFEPATH = 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format browser bench

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

demo: $(VENV)/server ## start the platform with a challenge and people (PORT=…, DATA=…); Ctrl-C stops it
	@exec $(BIN)/fivesigma-server up --demo --port $(PORT) --data-dir $(DATA)

setup: $(VENV)/dev ## create .venv and install everything that tests need

test: setup ## the whole test suite
	$(BIN)/python -m pytest -n 2

check: setup ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## rewrite the code in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

browser: setup ## only the journeys in a real Chromium
	$(BIN)/python -m pytest tests/browser

bench: setup ## speed, as ratios to named references
	@set -e; for bench in tests/bench/*.py; do PYTHONPATH=tests $(BIN)/python $$bench; done

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11 …" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/server: pyproject.toml | $(BIN)/python
	@echo 'installing the platform into $(VENV) …'
	@$(PIP) '.[server]'
	@touch $@

$(VENV)/dev: pyproject.toml | $(BIN)/python
	@echo 'installing the platform and what tests need into $(VENV) …'
	@$(PIP) '.[dev]'
	@touch $@ $(VENV)/server
