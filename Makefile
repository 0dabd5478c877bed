# Scarpwatch: what a person does with a checkout. `make help` lists the targets.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV   ?= .venv
SEED   ?= 1
FOLDER ?= ./demo
ARGS   ?=
# Test files run side by side, in the order of tests/conftest.py; two workers take about 3 GB.
WORKERS ?= 2
# Same release as in the extra `train` of pyproject.toml.
TORCH  ?= torch==2.13.0

# An environment with the service alone, for the list of what it is made of.
SERVICE_ENV ?= build/service
# One with the tool that writes it: among what that brings is a parser of IRIs that every process which imports
# `jsonschema` would build at its start, a second and more.
SBOM_ENV ?= build/sbom

BIN := $(VENV)/bin
UV  := $(shell command -v uv 2>/dev/null)
GPU := $(shell nvidia-smi -L >/dev/null 2>&1 && echo yes)

ifneq ($(UV),)
MAKE_VENV := $(UV) venv --quiet --allow-existing --python $(PYTHON) $(VENV)
ADD       := $(UV) pip install --quiet --python $(BIN)/python
REMOVE    := $(UV) pip uninstall --quiet --python $(BIN)/python
else
MAKE_VENV := $(PYTHON) -m venv $(VENV)
# Modules are compiled when they are first imported: most of torch's and its neighbours' never are.
ADD       := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile
REMOVE    := $(BIN)/python -m pip uninstall --quiet --yes
endif

# torch comes from the usual index as a CUDA build with gigabytes of GPU libraries. Without a GPU uv is asked for
# the CPU build. pip has no such switch, but prefers a local build (2.13.0+cpu) of the pinned release wherever its own
# configuration (find-links, extra-index-url) knows one; where it knows none the CUDA build is installed: larger, works.
ifeq ($(GPU),yes)
ADD_TORCH := $(ADD) "$(TORCH)"
else ifneq ($(UV),)
ADD_TORCH := $(ADD) --torch-backend=cpu "$(TORCH)" || $(ADD) "$(TORCH)"
else
ADD_TORCH := $(ADD) "$(TORCH)"
endif

# A sign of life while something is installed, which takes minutes on a slow network: the time every ten seconds for who
# watches, every minute for a log. It ends with the shell of its recipe, whatever became of the work.
EVERY_S ?= $$([ -t 2 ] && echo 10 || echo 60)
ALIVE = every=$(EVERY_S); ( trap 'kill $$! 2>/dev/null; exit 0' TERM; \
	while sleep $$every & wait $$!; do echo "  still at it, $$SECONDS s"; done ) & trap "kill $$! 2>/dev/null" EXIT;

.PHONY: help install install-dev install-gpu add demo test suite lint reproduce bench sbom audit-dependencies clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */\1\t/' | expand -t 20

install: $(VENV)/.service  ## the service into .venv (uv when it is there, pip otherwise); free of torch

install-dev: $(VENV)/.dev  ## what tests and training need as well (torch: the CPU build where there is no GPU)

install-gpu: $(VENV)/.service  ## ONNX Runtime's GPU build in place of the CPU build
	-$(REMOVE) onnxruntime onnxruntime-gpu
	@echo "Installing ONNX Runtime's GPU build into $(VENV)"
	@$(ALIVE) $(ADD) --upgrade "onnxruntime-gpu>=1.20"

# Stamps: a second `make demo` installs nothing; a changed pyproject.toml does.
$(BIN)/python:
	$(MAKE_VENV)

$(VENV)/.service: pyproject.toml | $(BIN)/python
	@echo "Installing the service into $(VENV) (a few minutes the first time, more on a slow network)"
	@$(ALIVE) $(ADD) -e .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	@echo "Installing torch into $(VENV)"
	@$(ALIVE) $(ADD_TORCH)
	@echo "Installing the service and the test tools into $(VENV)"
	@$(ALIVE) $(ADD) -e ".[dev,train]"
	@touch $@ $(VENV)/.service

demo: $(VENV)/.service  ## a simulated valley, its storm and its landslides: SEED=n FOLDER=path
	@$(BIN)/scarpwatch demo --seed $(SEED) --folder $(FOLDER) $(ARGS)

test: lint suite  ## ruff, mypy --strict, import layers, then the tests

suite: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(VENV)/.dev  ## the checks that run no code
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

reproduce: $(VENV)/.dev  ## the quoted figures of the shipped model made again (hours): ARGS=--quick for minutes
	$(BIN)/python -m training reproduce rgb $(ARGS)

bench: $(VENV)/.dev  ## what the speed claims stand on
	$(BIN)/python -m benchmarks $(ARGS)

sbom: $(SERVICE_ENV)/.made $(SBOM_ENV)/.made  ## sbom.json: every package of the service (CycloneDX)
	$(SBOM_ENV)/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --output-file sbom.json $(SERVICE_ENV)
	@echo "sbom.json: $$(grep --count '"purl": ' sbom.json) packages"

$(SBOM_ENV)/.made: Makefile
	@echo "Installing what writes that list into $(SBOM_ENV)"
	@$(MAKE) --no-print-directory add VENV=$(SBOM_ENV) PACKAGES="cyclonedx-bom>=5"
	@touch $@

add: | $(BIN)/python
	@$(ALIVE) $(ADD) "$(PACKAGES)"

audit-dependencies: $(SERVICE_ENV)/.made $(VENV)/.dev  ## known faults of these packages, by the advisory database of PyPI (network)
	@$(BIN)/python deploy/audit_dependencies.py $(SERVICE_ENV)

# The service alone: what tests and training need is not what runs.
$(SERVICE_ENV)/.made: pyproject.toml
	@echo "Installing the service alone into $(SERVICE_ENV)"
	@$(MAKE) --no-print-directory install VENV=$(SERVICE_ENV)
	@touch $@

clean:  ## forget caches and the demo (the virtual environment stays)
	rm -rf demo .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
