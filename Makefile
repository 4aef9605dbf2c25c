# Everything a person or CI does here. `make` alone lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
STACK ?= dev
# `make STACK=` is a slip, not a stack without a name.
override STACK := $(or $(STACK),dev)
PYTHON ?= python3
BIN := .venv/bin

# `make up production` would bring dev up. A stack may be called test, and is not meant by `make check test`.
NOT_A_GOAL := $(filter $(filter-out test,$(patsubst Pulumi.%.yaml,%,$(wildcard Pulumi.*.yaml))),$(MAKECMDGOALS))
$(if $(NOT_A_GOAL),$(error A stack is chosen with STACK=$(firstword $(NOT_A_GOAL)), and nothing was done))

.PHONY: help
help: ## List what can be done
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'
	@echo "  STACK=dev|staging|production chooses the stack (default: dev), CONFIG=FILE another file for it"
	@echo "  BACKEND=local|s3://... says where Pulumi keeps the state, SECRETS=awskms://... how it encrypts"

.venv/.installed: requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Backlot needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1). Say which: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Installing into .venv (once, about a minute)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

.PHONY: install
install: .venv/.installed ## Create .venv and install everything, locked by hash

.PHONY: rehearse
rehearse: install ## Bring STACK up in an in-memory AWS; CONFIG=file and GRAPH=out.json are optional
	@$(BIN)/python -m rehearsal $(STACK) $(if $(CONFIG),--config-file "$(CONFIG)") $(if $(GRAPH),--graph "$(GRAPH)") $(ARGS)

.PHONY: cost
cost: install ## Say what STACK costs a month, at its least and at its most
	@said=$$($(BIN)/python -m rehearsal $(STACK) $(if $(CONFIG),--config-file "$(CONFIG)") --record-only --graph .cost.json 2>&1) \
	  || { echo "$$said" >&2; exit 1; }
	@$(BIN)/python -m operations.cost .cost.json $(ARGS)

.PHONY: examples
examples: install ## Rehearse the five systems of examples/, a line for each stack
	@$(BIN)/python -m rehearsal.batch $(ARGS) examples/*/Pulumi.*.yaml

.PHONY: test
test: install ## Run the tests
	@$(BIN)/python -m pytest -n auto $(ARGS)

.PHONY: check
check: install ## Lint, formatting, types, workflows, and whether the generated files are fresh
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/basedpyright
	@$(BIN)/python -m settings.schema --check
	@$(BIN)/python -m tests.coverage_table --check
	@$(BIN)/zizmor --offline --quiet --persona=auditor .github
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yaml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-actions .github/actions/*/action.yaml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec compose.yaml

.PHONY: format
format: install ## Format the code and mend what lint can mend
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format --quiet .

.PHONY: schema
schema: install ## Write schema/stack.schema.json from the settings
	@$(BIN)/python -m settings.schema

.PHONY: coverage
coverage: install ## Write docs/coverage.md, rows by system, from the marks on the tests
	@$(BIN)/python -m tests.coverage_table

.PHONY: bench
bench: install ## Measure the rehearsal against its bars
	@$(BIN)/python -m rehearsal.bench

.PHONY: lock
lock: install ## Lock requirements.in and requirements-dev.in again, with hashes
	@for file in requirements requirements-dev; do \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url $(ARGS) $$file.in -o $$file.txt; \
	done

.PHONY: pulumi
pulumi:
	@command -v pulumi >/dev/null || { \
	  echo "This needs the Pulumi CLI, which is not installed here."; \
	  echo "  macOS    brew install pulumi"; \
	  echo "  others   https://www.pulumi.com/docs/install/"; \
	  echo "Until then, make rehearse STACK=$(STACK) runs the same program without it."; \
	  exit 1; }

# Where the state lies: `local` in .state/ beside this file, or the bucket that bootstrap made. Absent,
# where `pulumi login` said.
ifdef BACKEND
export PULUMI_BACKEND_URL := $(if $(filter local,$(BACKEND)),file://$(CURDIR)/.state,$(BACKEND))
endif
FILE := $(or $(CONFIG),Pulumi.$(STACK).yaml)
ON_STACK = --stack $(STACK) $(if $(CONFIG),--config-file "$(CONFIG)") $(ARGS)

.PHONY: stack
stack: pulumi install
	@test -f "$(FILE)" || { echo "No stack file $(FILE). There are: $$(ls Pulumi.*.yaml | tr '\n' ' ')"; exit 1; }
	@$(if $(filter local,$(BACKEND)),mkdir -p .state)
	@pulumi stack select --create $(STACK) $(if $(SECRETS),--secrets-provider "$(SECRETS)")

.PHONY: preview
preview: stack ## Show what `make up` would change on AWS
	@pulumi preview --diff $(ON_STACK)

.PHONY: up
up: stack ## Bring STACK up on AWS
	@pulumi up $(ON_STACK)

.PHONY: may-go
may-go: install
	@$(BIN)/python -m operations.teardown $(STACK) --config-file "$(FILE)" --check

.PHONY: destroy
destroy: may-go stack ## Empty STACK and take it down on AWS; one that is protected is refused, with the steps
	@$(BIN)/python -m operations.teardown $(STACK) --config-file "$(FILE)"
	@pulumi destroy $(ON_STACK)
