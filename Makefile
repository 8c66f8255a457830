# laion-audio: every chore of the project. `make` alone explains itself.
SHELL    := /bin/bash
PYTHON   ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3 python,$(shell command -v $(name) 2>/dev/null)))
VENV     := .venv
RUN_PY   := $(VENV)/bin/python

RECIPE   ?= quickstart
OUTPUT   ?= data/$(notdir $(basename $(RECIPE)))
RUNNER   ?= local
LIMIT    ?=
ARGS     ?=
RUN      ?= runs/tiny
SECONDS  ?= 600

.DEFAULT_GOAL := help
.PHONY: help install build-laion-audio train evaluate test test-all lint bench bench-quick fuzz report clean

help:  ## show this list
	@echo "laion-audio: audio-text sets as WebDataset shards, and CLAP trained on them"
	@echo
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/|/' | while IFS='|' read -r name text; do printf '  make %-18s %s\n' "$$name" "$$text"; done
	@echo
	@echo "  RECIPE=$(RECIPE) OUTPUT=$(OUTPUT) RUNNER=$(RUNNER) LIMIT=$(LIMIT) ARGS=$(ARGS) RUN=$(RUN)"

# One stamp an extra: a stamp older than the files that name its packages is installed again, nothing else ever is.
$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; name it with PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than Python 3.11; name another with PYTHON=/path/to/python" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.install: setup.py constraints.txt | $(VENV)/bin/python
	$(RUN_PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.train: setup.py constraints.txt $(VENV)/.install
	$(RUN_PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train]'
	@touch $@

$(VENV)/.dev: setup.py constraints.txt $(VENV)/.train
	$(RUN_PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train,dev]'
	@touch $@

# What the benchmark compares with: librosa, and the system's ffmpeg where apt can bring it.
$(VENV)/.bench: setup.py constraints.txt $(VENV)/.dev
	$(RUN_PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train,dev,bench]'
	@command -v ffmpeg > /dev/null || { command -v apt-get > /dev/null && apt-get -qq update && apt-get -qq install -y ffmpeg > /dev/null; } \
		|| echo "no ffmpeg on this machine and no right to install it: the lines that compare with it are left out" >&2
	@touch $@

install: $(VENV)/.install  ## make .venv with everything a build needs

build-laion-audio: $(VENV)/.install  ## build RECIPE into OUTPUT (default: the bundled quickstart set)
	$(RUN_PY) -m pipeline build $(RECIPE) --output $(OUTPUT) --runner $(RUNNER) $(if $(LIMIT),--limit $(LIMIT)) $(ARGS)

train: $(VENV)/.train  ## train the tiny CLAP on OUTPUT
	@test -f $(OUTPUT)/build.json || $(MAKE) build-laion-audio
	$(RUN_PY) -m train fit $(OUTPUT) --output $(RUN) $(ARGS)

evaluate: $(VENV)/.train  ## retrieval scores of RUN on the test split of OUTPUT
	$(RUN_PY) -m train evaluate $(RUN) $(OUTPUT) $(ARGS)

report: $(VENV)/.install  ## report.html and data card of OUTPUT
	$(RUN_PY) -m pipeline report $(OUTPUT)

test: $(VENV)/.dev  ## the tests, without network, in a few minutes
	$(RUN_PY) -m pytest -m "not slow" -n 2 --dist loadscope $(ARGS)

test-all: $(VENV)/.dev  ## the tests and the slow ones
	$(RUN_PY) -m pytest $(ARGS)

lint: $(VENV)/.dev  ## style and types
	$(RUN_PY) -m ruff check .
	$(RUN_PY) -m ruff format --check .
	$(RUN_PY) -m mypy

bench: $(VENV)/.bench  ## speed, memory and quality against peers, as ratios measured in one run
	$(RUN_PY) -m bench $(ARGS)

bench-quick: $(VENV)/.bench  ## the same with fewer clips and rounds, in about a minute
	$(RUN_PY) -m bench --quick $(ARGS)

fuzz: $(VENV)/.dev  ## feed damaged recordings to the decoders for SECONDS
	$(RUN_PY) -m tests.fuzz $(SECONDS)

clean:  ## remove what was built here, .venv included
	rm -rf $(VENV) build dist *.egg-info data runs .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
