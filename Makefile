# Everything a developer types. `make` alone lists it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SERVERS := $(CURDIR)/.servers
CODE := src tests tools benchmarks
# Most tests wait for a server most of the time.
WORKERS ?= 6

export OPSCONSOLE_SERVERS ?= $(SERVERS)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
MAKEFLAGS += --no-print-directory

# Folders that exist: a checkout may lack some of them.
present = $(wildcard $(CODE))

.PHONY: help demo test check compiled format bench pictures readme pages servers kubernetes lock ranges dist tryout
.PHONY: clean
.DEFAULT_GOAL := help

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

demo: $(VENV)/installed ## install into .venv and open the console on a small live fleet
	@$(PYTHON) tools/fetch_servers.py monitoring || echo "The demo goes on without Prometheus."
	@if [ "$$(id -u)" = 0 ]; then \
	   $(PYTHON) tools/fetch_servers.py docker images || echo "The demo goes on without Docker."; \
	 fi
	@$(BIN)/opsconsole demo

test: $(VENV)/developed ## everything that must hold: static checks, then all tests on real servers
	@$(MAKE) -j 2 check compiled
	@$(PYTHON) tools/fetch_servers.py || [ "$$CI" != true ]
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

check: $(VENV)/developed ## static checks: style, types, layers
	@$(BIN)/ruff check $(present)
	@$(BIN)/ruff format --check $(present)
	@$(BIN)/mypy $(present)
	@$(BIN)/lint-imports

# Workers that begin at once would each compile all tests, where nobody has done so before.
compiled: $(VENV)/developed
	@$(BIN)/python -m pytest --collect-only -qq >/dev/null 2>&1 || true

format: $(VENV)/developed ## rewrite the code in its style
	@$(BIN)/ruff check --fix $(present)
	@$(BIN)/ruff format $(present)

bench: $(VENV)/developed servers ## measure the speed; each figure is a ratio within one run
	@$(BIN)/python -m benchmarks

pictures: $(VENV)/developed servers ## draw the screens into pictures/
	@$(BIN)/python -m tools.pictures

readme: $(VENV)/developed servers ## renew the README's pictures: an incident from red to verified, one of them moving
	@$(BIN)/python -m tools.walkthrough

pages: $(VENV)/developed ## renew what is made from the program: reference, schemas, keys, manual, completion
	@$(BIN)/python -m tools.pages

servers: ## unpack the real servers that tests use into .servers/, installing nothing
	@$(PYTHON) tools/fetch_servers.py

kubernetes: ## build a real Kubernetes for its tests, once for all copies (a quarter of an hour)
	@$(PYTHON) tools/fetch_servers.py kubernetes

lock: $(VENV)/created ## solve what is installed anew and write it into locks/, with Python 3.11
	@$(BIN)/python -m tools.lock

ranges: $(VENV)/created ## try the wheel's own ranges: every dependency at its lowest, then at its newest
	@$(BIN)/python -m tools.ranges

dist: $(VENV)/developed ## build what is released into dist/: wheel, sdist, and a single file that needs no network
	@$(BIN)/python -m tools.delivery.build

tryout: $(VENV)/developed dist ## try dist/ on bare Debians without a network and in a container, as root
	@$(BIN)/python -m tools.delivery.bare_debian

clean: ## remove what these targets made
	rm -rf $(VENV) $(SERVERS) build dist pictures
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find $(present) -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "opsconsole needs Python 3.11 or later; name one with: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
	  { echo "Python's venv module is incomplete; as root: apt-get install python3-venv" >&2; exit 1; }
	@echo "Creating $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

# What is locked comes first, what builds included; then nothing is left to solve or to fetch.
lock_in = $(BIN)/python -m pip install --quiet --requirement locks/$(1).txt && \
  $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .

$(VENV)/installed: pyproject.toml locks/run.txt | $(VENV)/created
	@echo "Installing opsconsole"
	@$(call lock_in,run)
	@touch $@

$(VENV)/developed: pyproject.toml locks/dev.txt | $(VENV)/created
	@echo "Installing opsconsole and what its tests need"
	@$(call lock_in,dev)
	@touch $@ $(VENV)/installed
