# Every target is a line or two; `make help` lists them.
PYTHON ?= python3
PORT ?= 8000
DATA ?= fivesigma-demo
VENV := .venv
BIN := $(VENV)/bin
export PYTHONSAFEPATH = 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format browser bench

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

$(VENV)/installed: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

setup: $(VENV)/installed ## create .venv and install everything that tests need

check: setup ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: setup ## the whole test suite
	$(BIN)/python -m pytest -n 2

format: setup ## rewrite the code in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

browser: setup ## only the journeys in a real Chromium
	$(BIN)/python -m pytest tests/browser
