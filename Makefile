# `make` lists what there is to do. The environment is made once, in .venv, from requirements/.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

VENV := .venv
BIN := $(VENV)/bin
# The first Python that fits; `make PYTHON=/path/to/python3.11` chooses another.
FITS := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))
PYTHON ?= $(shell for each in python3.11 python3.12 python3; do \
	if $$each -c '$(FITS)' >/dev/null 2>&1; then echo $$each; break; fi; done)
# Pinned completely, so pip has nothing to resolve. What is installed is compiled on every core.
INSTALL := $(BIN)/python -m pip --disable-pip-version-check install -qq --no-deps --no-compile
COMPILE := $(BIN)/python -m compileall -q -j 0 -x '/tests?/' $(VENV)/lib
# A version per line, for Linux and Python 3.11; uv only reads pyproject.toml.
UV := $(BIN)/uv pip compile --quiet --custom-compile-command 'make lock' --no-annotate \
	--no-emit-index-url --no-emit-find-links --python-version 3.11 --python-platform linux
SQLFLUFF := $(BIN)/sqlfluff lint --disable-progress-bar --processes 2
SQL := dbt_project/models $(wildcard dbt_project/tests/*.sql)
TOO_LONG := length > 100 { print FILENAME ":" FNR ": line of " length " characters, 100 at most"; bad = 1 } \
	END { exit bad }
PYTEST_ARGUMENTS ?=

.PHONY: help demo test check lint format parse spark lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/installed-demo ## Make the demo operator's data, bill it, and show where everything is
	@$(BIN)/tollhouse demo

test: lint parse ## Run every check there is: lint, dbt, wheel, all tests
	$(BIN)/python -m pytest -n 2 --dist loadgroup $(PYTEST_ARGUMENTS)

check: lint parse ## Run the quick part of `make test`, under two minutes
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not heavy" tests/unit $(PYTEST_ARGUMENTS)

lint: $(VENV)/installed-dev ## Format, style and types of Python, and style of SQL in both dialects
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	@find dbt_project -name '*.sql' -not -path '*/target/*' -print0 | LC_ALL=C.UTF-8 xargs -0 awk '$(TOO_LONG)'
	$(SQLFLUFF) --dialect duckdb $(SQL)
	TOLLHOUSE_LINT_ENGINE=spark $(SQLFLUFF) --dialect sparksql $(SQL)
	$(SQLFLUFF) --dialect duckdb seeds/checks

parse: $(VENV)/installed-dev ## Read the dbt project without a warehouse
	@folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	export TOLLHOUSE_LANDING=$$folder/landing TOLLHOUSE_EXPORTS=$$folder/exports; \
	export TOLLHOUSE_WAREHOUSE=$$folder/warehouse.duckdb; \
	$(BIN)/dbt --quiet --warn-error --log-path "$$folder" parse --no-partial-parse \
		--project-dir dbt_project --profiles-dir dbt_project --target-path "$$folder/target"

format: $(VENV)/installed-dev ## Rewrite Python in the house format and break long lines of SQL
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/sqlfluff fix --disable-progress-bar --processes 2 --rules LT05 --exclude-rules AL03 $(SQL) || true

spark: $(VENV)/installed-spark ## Add Apache Spark to the environment (half a gigabyte; needs Java 17)

lock: $(VENV)/bin/uv ## Choose versions anew from pyproject.toml (add UPGRADE=1 for the newest)
	$(UV) $(if $(UPGRADE),--upgrade) --extra dev pyproject.toml -o requirements/dev.txt
	$(UV) --constraint requirements/dev.txt --extra demo pyproject.toml -o requirements/demo.txt
	$(UV) --constraint requirements/dev.txt --extra spark pyproject.toml -o requirements/spark.txt
	$(UV) --constraint requirements/dev.txt pyproject.toml -o requirements/base.txt

clean: ## Remove the environment and caches, never TOLLHOUSE_HOME
	rm -rf $(VENV) dist .pytest_cache .ruff_cache .mypy_cache .hypothesis dbt_project/target
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Tollhouse needs Python 3.11 or 3.12 with venv and pip" \
		"(Debian: apt-get install python3 python3-venv);" \
		"found: $$(python3 --version 2>&1 || true). Name one with: make PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# A stamp is newer than the lock it was made from, so the second time costs nothing.
STAMPS := $(VENV)/installed-demo $(VENV)/installed-dev $(VENV)/installed-spark
$(STAMPS): $(VENV)/installed-%: requirements/%.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing requirements/$*.txt into $(VENV); the first time takes a minute or two."
	@$(INSTALL) -r requirements/$*.txt
	@$(INSTALL) -e .
	@$(COMPILE) || true
	@touch $@

$(VENV)/bin/uv: | $(VENV)/bin/python
	@$(INSTALL) uv
