# Kidglove: `make help` lists what can be done. Nothing here needs root, apt, Docker or an account.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ARGS ?=

# pip warns on every run as root, and looks for a newer pip; neither helps anybody here.
export PIP_ROOT_USER_ACTION := ignore
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help install check test demo up bench requirements connector lock fmt clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  \033[1mmake %-13s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP) ## install everything into .venv from the lock (skipped when nothing changed)

$(STAMP): requirements.lock pyproject.toml
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Kidglove needs Python 3.11 or newer, found " + sys.version.split()[0] + ". Say which one: make install PYTHON=...")'
	@echo "installing into $(VENV) ..."
	@[ -x $(BIN)/python ] || "$(PYTHON)" -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install -qq --no-deps --no-build-isolation --no-index \
		--config-settings editable_mode=compat --editable .
	@touch $(STAMP)

check: install ## format, lint, types, imports
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

test: install ## the whole test suite, against real PostgreSQL and Valkey; ARGS go to pytest
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile $(ARGS)

demo: install ## play a failed VIP payment against simulated vendors; ARGS="--keep" leaves it running
	@$(BIN)/kidglove demo $(ARGS)

up: install ## run edge, workers and schedule with the accounts from the environment or .env
	@$(BIN)/kidglove up $(ARGS)

bench: install ## benchmarks (bench/README.md says what they mean)
	@$(BIN)/python -m bench $(ARGS)

requirements: install ## which requirement is proven by which test
	@$(BIN)/python -m ops.requirements $(ARGS)

connector: install ## a new connector to fill in: make connector NAME=pipedrive KIND=crm
	@$(BIN)/python -m ops.scaffold "$(NAME)" --kind "$(KIND)"

lock: ## resolve the newest allowed versions into requirements.lock
	@"$(PYTHON)" -m venv .cache/lock
	@.cache/lock/bin/python -m pip install -qq uv
	@.cache/lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate \
		--custom-compile-command "make lock" \
		--extra embedded --extra build --extra dev --output-file requirements.lock pyproject.toml

fmt: install ## format the code and repair what the linter can repair
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean: ## remove the environment and every cache, keep data
	@rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
