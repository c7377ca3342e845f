# Two commands are all the set-up: `make demo` and `make test`.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
# more processes than cores, for most tests wait for something; files in the order of tests/conftest.py
TEST_PROCESSES ?= $(shell echo $$(($$(nproc) + 3)))
SPREAD := -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help demo test test-all coverage lint format bundle schema install install-dev clean

help:
	@echo "make demo       the whole system on this machine, with simulated cameras"
	@echo "make test       the tests, without the slow ones"
	@echo "make test-all   every test"
	@echo "make coverage   the tests as in make test, and which lines they do not reach (half as long again)"
	@echo "make lint       ruff and mypy"
	@echo "make format     bring the code into shape"
	@echo "make bundle     one archive for machines without internet, in dist/"
	@echo "make clean      remove the virtual environment and all state"

$(BIN)/python:
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "Python 3.11 or newer with venv is needed: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(PIP) --editable .
	touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	$(PIP) --editable '.[dev,onnx,postgres]'
	touch $@ $(VENV)/.installed

install: $(VENV)/.installed
install-dev: $(VENV)/.installed-dev

demo: install
	$(BIN)/firewatch demo

test: install-dev
	$(BIN)/python -m pytest $(SPREAD) -m "not slow" --durations 15

coverage: install-dev
	$(BIN)/python -m pytest $(SPREAD) -m "not slow" --cov --cov-report=term:skip-covered

test-all: install-dev
	$(BIN)/python -m pytest $(SPREAD)

lint: install-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bundle: install
	$(BIN)/python -m firewatch.bundle

schema: install
	$(BIN)/firewatch config schema --out config/deployment.schema.json

clean:
	rm -rf $(VENV) var .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache
