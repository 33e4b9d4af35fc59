# The commands of this repository. `make demo` and `make test` set up everything they need.
SHELL := /bin/bash
PYTHON ?= python3
PY := .venv/bin/python
PIP := .venv/bin/pip --disable-pip-version-check -q
PYTEST_WORKERS ?= 2

.PHONY: help demo test lint bench up down clean
help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this is " + sys.version.split()[0])'
	@$(PYTHON) -m venv .venv

# Compiled once here, because a first import of thousands of modules costs seconds in every process.
define install
	@echo "installing $(1) ..."
	@$(PIP) install -r requirements/$(1).txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@$(PY) -m compileall -q -j0 .venv/lib >/dev/null 2>&1 || true # a few packages ship files for other Pythons
	@touch $@
endef

.venv/.base: requirements/demo.txt setup.py | .venv/bin/python
	$(call install,demo)
.venv/.airflow: requirements/airflow.txt .venv/.base
	$(call install,airflow)
.venv/.dev: requirements/dev.txt .venv/.airflow
	$(call install,dev)

demo: .venv/.base ## build a rehearsal university and run two nights
	@.venv/bin/hub demo

test: export PATH := $(PATH):/usr/sbin:/usr/local/sbin
test: .venv/.dev ## install what the tests need and run all of them
	@scripts/install_servers.sh
	@$(PY) -m pytest -n $(PYTEST_WORKERS)

lint: .venv/.dev ## contracts, style, types, imports, sizes
	@.venv/bin/hub lint
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@$(PY) scripts/size_limits.py

bench: .venv/.base ## measure nights (four systems, then the whole university), then the hub and its peers side by side
	@$(PY) -m benchmarks.night --systems hr,academic,graduate,finance
	@$(PY) -m benchmarks.night
	@$(PY) -m benchmarks.side_by_side $(BENCH)

up: .venv/.airflow ## start Airflow with every DAG (and the rehearsal university, if there is one)
	@$(PY) -m campus start
	@$(PY) scripts/airflow.py up

down: .venv/.base ## stop Airflow and the rehearsal university, leaving no process
	@code=0; if [ -e .venv/.airflow ]; then $(PY) scripts/airflow.py down || code=$$?; fi; $(PY) -m campus stop && exit $$code

clean: ## stop everything and remove all that was made (data too)
	@if [ -e .venv/.base ]; then $(MAKE) -s down; fi
	@rm -rf .venv var
