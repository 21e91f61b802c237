# `make run` serves, `make test` tests. Everything that they need goes into .venv, .aws-sam and build.
SHELL := /bin/sh
.SHELLFLAGS := -ec
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export SAM_CLI_TELEMETRY := 0
export PYTHONPATH := functions:.
# Each process would compile three thousand modules anew: some ten seconds of every worker that runs tests.
unexport PYTHONDONTWRITEBYTECODE
# `sam build` finds this environment's Python first.
export PATH := $(CURDIR)/$(BIN):$(PATH)

# The first of these that is Python 3.13.
PYTHON ?= $(shell for p in python3.13 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null && { echo $$p; break; }; done)

.PHONY: help run up down status doctor token url deploy invoke test odd quick coverage check lint revision findings template format bench build clean

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

$(READY): requirements-dev.txt
	@if [ -z "$(PYTHON)" ]; then echo "Tenantry needs Python 3.13: install it, or name it: make PYTHON=/path/to/python3.13" >&2; exit 2; fi
	@echo "Making the environment in $(VENV)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/python -m uv pip sync --quiet --compile-bytecode --python $(BIN)/python \
		--require-hashes requirements-dev.txt
	@touch $@

run: $(READY) ## start everything, show addresses, users and a first call; Ctrl-C ends it
	@$(BIN)/python -m local run

up run: export TENANTRY_BIND_BRIDGE := $(BRIDGE)
up: $(READY) ## start everything in the background (BRIDGE=1: for containers too)
	@$(BIN)/python -m local up

down: $(READY) ## end what `make up` started
	@$(BIN)/python -m local down

status: $(READY) ## say what runs
	@$(BIN)/python -m local status

doctor: export STACK := $(value STACK)
doctor: export TOKEN := $(value TOKEN)
doctor: $(READY) ## say what is wrong with a stack: make doctor STACK=name on AWS, make doctor here
	@$(BIN)/python -m local.doctor --stack "$$STACK" $(ARGS)

token: $(READY) ## print an id token: make token USER=name
	@$(BIN)/python -m local token "$(USER)"

url: $(READY) ## print the address of the API
	@$(BIN)/python -m local url

deploy: $(READY) ## deploy what has changed into what `make up` started, whose tenants stay (ARGS: parameters)
	@$(BIN)/python -m local deploy $(ARGS)

invoke: $(READY) ## run a function in a container: make invoke FUNCTION=GetHealth EVENT=events/get_health.json
	@$(BIN)/python -m local invoke "$(FUNCTION)" "$(EVENT)" $(ARGS)

build: $(READY) ## build functions and layers for the processor that the template names
	@$(BIN)/sam build

# Shared out among the processors; what the command names with ARGS is run alone, without a table of what it left out.
PYTEST := $(BIN)/python -m pytest -n auto --dist loadfile
# Lines cost next to nothing to count this way; Python 3.13 can't count branches so.
LINES := --cov --cov-report=term
export COVERAGE_CORE := sysmon

test: $(READY) ## run the tests; some of them: make test ARGS="tests/unit -q"
	@$(PYTEST) $(if $(ARGS),,$(LINES)) $(ARGS)

SECONDS ?= 3600
odd: $(READY) ## take databases that are made at random through everything: make odd SECONDS=3600 SEED=1
	@ODD_SECONDS=$(SECONDS) ODD_SEED=$(SEED) $(BIN)/python -m pytest -n 0 -q -k as_many tests/integration/odd

coverage: export COVERAGE_CORE := ctrace
coverage: $(READY) ## run the tests and count branches too, which takes longer
	@$(PYTEST) $(LINES) --cov-branch $(ARGS)

quick: lint ## format, lint, types, layering, revisions and unit tests: a minute and a half
	@$(PYTEST) -q tests/unit

lint: $(READY)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m tenantry.revisions.lint

revision: export REVISION_NAME := $(value NAME)
revision: $(READY) ## make the next revision of the tenants' tables: make revision NAME="add a note"
	@$(BIN)/python -m tenantry.revisions.new_revision "$$REVISION_NAME"

findings: $(READY) ## lint the revisions, and write down what was found in each
	@$(BIN)/python -m tenantry.revisions.lint --write

template: $(READY)
	@AWS_DEFAULT_REGION=ap-south-1 $(BIN)/sam validate --lint
	@$(BIN)/cfn-lint template.yaml

check: lint template ## format, lint, types, layering, revisions, template and all tests
	@$(MAKE) --no-print-directory test

format: $(READY) ## format the code and mend what can be mended
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(READY) ## run the benchmarks; results in build/bench/results.json
	@$(BIN)/python -m benchmarks $(ARGS)

clean: ## remove everything that was built
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m local down || true; fi
	rm -rf $(VENV) .aws-sam build .coverage .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
