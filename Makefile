# `make help` lists the targets. Every target installs what it needs into .venv first; a second call skips that.
SHELL := /bin/sh
BIN := .venv/bin
PY := $(BIN)/python
ARGS ?=
# Processes that tests run in, each with a Spark session of its own; 0 is this one alone.
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help demo loop test bundle-test check bench clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 20

demo: .venv/installed ## run the flights pipeline on a local Delta lake and print its report
	@$(PY) tools/java.py
	@$(PY) examples/flights/make_data.py
	@$(BIN)/lakepact run examples/flights $(ARGS)

loop: .venv/installed ## show the whole loop here: validated in Collibra (a double), told by webhook, the pipeline reruns
	@$(PY) tools/java.py
	@$(PY) examples/loop/loop.py $(ARGS)

test: .venv/installed ## run the test suite (ARGS='tests/rules -k unique' for a part of it)
	@$(PY) tools/java.py
	@$(BIN)/lakepact prepare || echo 'The tests go on; each start of Spark takes longer.' >&2
	@$(PY) -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

bundle-test: .venv/installed ## deploy the bundle with the real Databricks CLI (built where there is none) to a workspace here
	@$(PY) tools/java.py
	@cli=$$($(PY) tools/databricks_cli.py) && \
	DATABRICKS_CLI=$$cli LAKEPACT_REQUIRE_CLI=1 $(PY) -m pytest tests/bundle/test_bundle_cli.py $(ARGS)

check: .venv/installed ## lint, format, types, room order, exports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(PY) -m pytest -q tests/test_repository.py

bench: .venv/installed ## measure speed and memory, each as a ratio against a bare equivalent
	@$(PY) tools/java.py
	@$(PY) -m benchmarks $(ARGS)

clean: ## remove what builds, tests and the demo leave behind (.venv stays)
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .benchmarks
	rm -rf spark-warehouse metastore_db derby.log artifacts examples/*/data examples/*/.lakepact
	find src tests examples -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/installed: pyproject.toml requirements/constraints.txt tools/bootstrap.sh
	@sh tools/bootstrap.sh .venv
	@touch $@
