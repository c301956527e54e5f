# What to run: demo, lab, test, bench, fuzz, docs-check, and the pieces of test. Needs git, make, Python >= 3.11 with venv, Node >= 20.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
PYTEST := $(BIN)/python -m pytest --quiet --numprocesses 2 --dist loadfile
JLPM := cd labextension && PATH="$(CURDIR)/$(BIN):$$PATH" jlpm
SETUP := pyproject.toml labextension/package.json labextension/built-from.sha256

.PHONY: help demo lab test bench bench-guard fuzz docs-check venv system lint types layers test-python test-browser test-ts wheel-check front-end

help:
	@echo 'make demo          run the demonstration notebook and show what it leaves behind'
	@echo 'make lab           open the demonstration notebook in JupyterLab'
	@echo 'make test          everything: lint types layers test-ts docs-check wheel-check, then the Python and browser tests'
	@echo 'make bench         measure cells beside their peers, and the guard alone (make bench-guard)'
	@echo 'make fuzz          ten minutes of random statements against the judgement of summaries'
	@echo 'make docs-check    check that the generated parts of the documents are current'
	@echo 'make front-end     build the JupyterLab extension into aureus_jupyter/labextension'

demo: .stamp/base
	@$(BIN)/aureus demo

lab: .stamp/lab
	@$(BIN)/jupyter lab $$([ "$$(id -u)" != 0 ] || echo --allow-root) notebooks/demo.ipynb

# pytest comes last, so that its closing line closes the run.
test: venv system lint types layers test-ts docs-check wheel-check
	@echo '== Python and browser tests, with coverage'
	@PYTHONPATH=.ci/tools $(PYTEST) -p coverage_floor --coverage-floor --cov --cov-report=

bench: .stamp/dev
	@$(BIN)/python tests/bench/run.py
	@$(BIN)/python tests/bench/guard.py

bench-guard: .stamp/dev
	@$(BIN)/python tests/bench/guard.py

fuzz: .stamp/dev
	@$(BIN)/python tests/fuzz/summaries.py

docs-check: .stamp/dev
	@echo '== documents'
	@$(BIN)/python .ci/tools/docs_check.py

venv: .stamp/dev

system:
	@.ci/tools/bring_system.sh chromium postgresql java node opa shared

lint: .stamp/dev
	@echo '== lint'
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .

types: .stamp/dev
	@echo '== types'
	@$(BIN)/mypy --no-error-summary

layers: .stamp/dev
	@echo '== layers'
	@$(BIN)/lint-imports --no-cache >.stamp/layers.log || { cat .stamp/layers.log; exit 1; }

test-python: .stamp/dev
	@$(PYTEST) -m 'not browser'

test-browser: .stamp/dev
	@.ci/tools/bring_system.sh chromium
	@$(PYTEST) -m browser

test-ts: .stamp/node
	@echo '== front end: lint, types, tests, and the committed build against its sources'
	@$(JLPM) lint
	@$(JLPM) test
	@$(BIN)/python .ci/tools/front_end.py check

wheel-check: .stamp/dev
	@echo '== the tests against the built wheel'
	@$(BIN)/python .ci/tools/wheel_check.py

front-end: .stamp/node
	@$(BIN)/python .ci/tools/front_end.py build

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'Python 3.11 or newer is needed; name one with PYTHON=...' >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { echo 'The venv module is needed (Debian: apt-get install python3-venv).' >&2; exit 1; }

.stamp/base: $(SETUP) | $(BIN)/python
	@echo '== installing AUREUS into .venv'
	@$(PIP) -e .
	@mkdir -p .stamp && touch $@

.stamp/lab: $(SETUP) | $(BIN)/python
	@echo '== installing AUREUS and JupyterLab into .venv'
	@$(PIP) -e '.[lab]'
	@mkdir -p .stamp && touch $@

.stamp/dev: $(SETUP) | $(BIN)/python
	@echo '== installing AUREUS and what its tests need into .venv'
	@$(PIP) -e '.[dev]'
	@mkdir -p .stamp && touch .stamp/base .stamp/lab $@

.stamp/node: labextension/package.json labextension/yarn.lock labextension/.yarnrc.yml .stamp/dev
	@.ci/tools/bring_system.sh node
	@echo '== installing what the front end is built with'
	@{ $(JLPM) install --immutable; } >.stamp/node.log || { tail -n 40 .stamp/node.log; exit 1; }
	@touch $@
