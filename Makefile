# `make` alone lists what there is to make.
#
#   PYTHON=python3.11      the interpreter that environments are made with
#   ARGS="--serve"         further arguments, for demo and test

PYTHON ?= python3
ARGS ?=

VENV := .venv
ESTIMATOR_VENV := .venv-estimator
BIN := $(VENV)/bin
ESTIMATOR_BIN := $(ESTIMATOR_VENV)/bin

# The stamp of an environment is newer than the requirements it was installed from.
READY := $(VENV)/.installed
ESTIMATOR_READY := $(ESTIMATOR_VENV)/.installed

# -qq: errors show, pip's remarks on its own configuration do not.
PIP_INSTALL := -m pip install -qq --disable-pip-version-check

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check format test-estimator crash bench dashboards clean distclean

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

demo: $(READY)  ## train on real images, be killed, resume, and see what each save cost
	@$(BIN)/observed-hooks demo $(ARGS)

test: $(READY)  ## all tests, on the newest TensorFlow
	@$(BIN)/python -m pytest -m "not estimator" $(ARGS)

test-estimator: $(ESTIMATOR_READY)  ## the unit tests and the Estimator's, on TensorFlow 2.15
	@$(ESTIMATOR_BIN)/python -m pytest -m "not integration" $(ARGS)

check: $(READY)  ## linter, formatter, types, and the order of the floors; changes nothing
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/test_architecture.py

format: $(READY)  ## put the code in the form that `make check` asks for
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

# TensorFlow's own hook for the input pipeline needs TensorFlow 2.15.
N ?= 200
SEED ?= 1
TRIGGER ?= both
HOOKS ?= ours
CRASH_READY := $(if $(filter tensorflow,$(HOOKS)),$(ESTIMATOR_READY),$(READY))

crash: $(CRASH_READY)  ## kill a training N times (N=200), resume it, and look for lost or repeated examples
	@$(dir $(CRASH_READY))bin/python -m tests.crash $(N) --seed $(SEED) --trigger $(TRIGGER) --hooks $(HOOKS) $(ARGS)

bench: $(READY)  ## every question in benchmarks/, answered with a table
	@set -e; for script in benchmarks/*.py; do \
	    [ -e "$$script" ] || { echo "benchmarks/ holds no script yet."; break; }; \
	    echo "== $$script"; $(BIN)/python "$$script"; \
	done

dashboards: $(READY)  ## write dashboards/ anew, after a change of the catalogue or of its generator
	@$(BIN)/observed-hooks dashboards dashboards --force

clean:  ## remove what tools leave behind
	@rm -rf build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find observed_hooks tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

distclean: clean  ## remove the environments too
	@rm -rf $(VENV) $(ESTIMATOR_VENV)

# Does $(1), a program that may not exist, run as a Python from 3.10 to 3.$(2)?
runs_as = $(1) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, $(2)))' >/dev/null 2>&1

$(READY): pyproject.toml requirements/tf-2.21.txt
	@$(call runs_as,"$(PYTHON)",12) || { \
	    version=$$("$(PYTHON)" --version 2>/dev/null | sed 1q); \
	    echo "observed_hooks needs Python 3.10 to 3.12, and $(PYTHON) is $${version:-not one that runs}:" \
	        "name another with 'make PYTHON=python3.11'." >&2; \
	    exit 1; \
	}
	@echo "Creating $(VENV) and installing TensorFlow 2.21 (1 to 5 minutes, once)"
	@[ -x $(BIN)/python ] || "$(PYTHON)" -m venv $(VENV)
	@$(BIN)/python $(PIP_INSTALL) "pip>=23"
	@$(BIN)/python $(PIP_INSTALL) -c requirements/tf-2.21.txt -e ".[dev]"
	@touch $@

$(ESTIMATOR_READY): pyproject.toml requirements/tf-2.15.txt
	@if ! [ -x $(ESTIMATOR_BIN)/python ]; then \
	    for python in "$(PYTHON)" python3.11 python3.10; do \
	        if $(call runs_as,"$$python",11); then exec "$$python" -m venv $(ESTIMATOR_VENV); fi; \
	    done; \
	    echo "TensorFlow 2.15, the last with Estimator, needs Python 3.10 or 3.11, and none of $(PYTHON)," \
	        "python3.11, python3.10 is one: name another with 'make test-estimator PYTHON=/path/to/python3.11'." >&2; \
	    exit 1; \
	fi
	@echo "Installing TensorFlow 2.15 into $(ESTIMATOR_VENV) (1 to 5 minutes, once)"
	@$(ESTIMATOR_BIN)/python $(PIP_INSTALL) "pip>=23"
	@$(ESTIMATOR_BIN)/python $(PIP_INSTALL) -c requirements/tf-2.15.txt -e ".[test]"
	@touch $@
