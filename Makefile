# Every command that the project needs; `make` alone lists them.
SHELL    := /bin/bash
PYTHON   ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3 python,$(shell command -v $(name) 2>/dev/null)))
PYTHONS  := 3.11 3.12 3.13
VENV     := .venv
RUN_PY   := $(VENV)/bin/python

RECIPE   ?= quickstart
OUTPUT   ?= data/$(notdir $(basename $(RECIPE)))
RUNNER   ?= local
SPARK_MASTER ?=
LIMIT    ?=
ARGS     ?=
RUN      ?= runs/tiny
SECONDS  ?= 600
N        ?= 60
SEED     ?= 1
JOBS     ?= 1
JOB      ?= dataflow-job.json
PROJECT  ?=
REGION   ?=
IMAGE    ?=

.DEFAULT_GOAL := help
.PHONY: help install build-laion-audio dataflow-template report report-check train evaluate test test-all lint constraints mutants engines readers bench bench-quick fuzz clean

help:  ## list the commands and their variables
	@echo "laion-audio: audio-text sets as WebDataset shards, and CLAP trained on them"
	@echo
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/|/' | while IFS='|' read -r name text; do printf '  make %-18s %s\n' "$$name" "$$text"; done
	@echo
	@echo "Variables and their values now, as in: make build-laion-audio RECIPE=my.toml LIMIT=100"
	@echo "  RECIPE=$(RECIPE)  name of a bundled recipe, or path of a TOML file"
	@echo "  OUTPUT=$(OUTPUT)  folder of the shards"
	@echo "  RUNNER=$(RUNNER)  Beam engine of the build"
	@echo "  SPARK_MASTER=$(SPARK_MASTER)  with RUNNER=SparkRunner: spark://HOST:PORT, yarn, k8s://https://HOST:PORT or local[N]"
	@echo "  LIMIT=$(LIMIT)  rows of each source, all if empty"
	@echo "  RUN=$(RUN)  folder of a training run"
	@echo "  PROJECT= REGION= IMAGE= JOB=$(JOB)  of dataflow-template: project and region of Google Cloud, image of workers, file to write"
	@echo "  ARGS=$(ARGS)  more arguments for the command that make starts, as in: make test ARGS='tests/test_plan.py -x'"
	@echo "  N=$(N) SEED=$(SEED) JOBS=$(JOBS)  mutants: how many, which, how many at the same time"
	@echo "  SECONDS=$(SECONDS)  duration of fuzz"
	@echo "  PYTHON=$(PYTHON)  Python that makes .venv"

# Each extra has a file in .venv that says when it was installed. It is installed again when setup.py or constraints.txt is newer.
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

# Spark on this machine, and the jar that runs Beam on it, which Maven makes once; see pipeline/engines/spark_jar.py.
$(VENV)/.spark: setup.py constraints.txt $(VENV)/.install $(shell find pipeline/engines/java -type f)
	@$(RUN_PY) -m pipeline.engines.spark_jar > /dev/null
	$(RUN_PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[spark]'
	@touch $@

# What the benchmark compares with: librosa, and the system's ffmpeg where apt can bring it.
$(VENV)/.bench: setup.py constraints.txt $(VENV)/.dev
	$(RUN_PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train,dev,bench]'
	@command -v ffmpeg > /dev/null || { command -v apt-get > /dev/null && apt-get -qq update && apt-get -qq install -y ffmpeg > /dev/null; } \
		|| echo "no ffmpeg on this machine and no right to install it: the lines that compare with it are left out" >&2
	@touch $@

# What sends jobs to Dataflow, or describes them.
$(VENV)/.dataflow: setup.py constraints.txt $(VENV)/.install
	$(RUN_PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dataflow]'
	@touch $@

# The engines of docs/engines.md, in an environment of their own. What this machine cannot have (Go, Java, Maven) is named by `make engines`.
ENGINES  := .venv-engines
PRISM    := github.com/apache/beam/sdks/v2/go/cmd/prism
$(ENGINES)/.engines: setup.py constraints.txt
	@test -x $(ENGINES)/bin/python || $(PYTHON) -m venv $(ENGINES)
	$(ENGINES)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train,captions,dev,gcs,s3,spark,dataflow,engines]'
	@touch $@

$(ENGINES)/bin/prism: $(ENGINES)/.engines
	@command -v go > /dev/null || { echo "no Go on this machine: Prism is left out" >&2; exit 0; }; \
		version=$$($(ENGINES)/bin/python -c 'from importlib.metadata import version; print(version("apache-beam"))'); \
		GOBIN=$(abspath $(ENGINES)/bin) go install $(PRISM)@v$$version || echo "Prism could not be installed: it is left out" >&2

# The jar is made in the cache folder; where it cannot be made, the reason is printed, and the lines of Spark are left out.
.PHONY: engines-jar
engines-jar: $(ENGINES)/.engines
	@$(ENGINES)/bin/python -m pipeline.engines.spark_jar > /dev/null || echo "no jar: Spark is left out" >&2

# The programs that docs/readers.md has, in an environment of their own; what cannot be installed is named by `make readers`.
READERS := .venv-readers
$(READERS)/.readers: tests/readers.txt
	@test -x $(READERS)/bin/python || $(PYTHON) -m venv $(READERS)
	@command -v ffmpeg > /dev/null || { command -v apt-get > /dev/null && apt-get -qq update && apt-get -qq install -y ffmpeg > /dev/null; } \
		|| echo "no ffmpeg on this machine and no right to install it: datasets cannot decode audio" >&2
	$(READERS)/bin/python -m pip install --quiet --disable-pip-version-check -r tests/readers.txt
	$(READERS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps laion-clap==1.1.7 wget
	@touch $@

install: $(VENV)/.install  ## make .venv with the packages that a build needs

build-laion-audio: $(VENV)/.install $(if $(SPARK_MASTER),$(VENV)/.spark)  ## build RECIPE into OUTPUT (default: the bundled quickstart set)
	$(RUN_PY) -m pipeline build $(RECIPE) --output $(OUTPUT) --runner $(RUNNER) $(if $(SPARK_MASTER),--spark_master '$(SPARK_MASTER)') $(if $(LIMIT),--limit $(LIMIT)) $(ARGS)

dataflow-template: $(VENV)/.dataflow  ## write the job that builds RECIPE into OUTPUT (gs://...) on Dataflow to JOB, without sending it
	$(RUN_PY) -m pipeline.engines.dataflow_template $(RECIPE) --output $(OUTPUT) --job $(JOB) --project=$(PROJECT) --region=$(REGION) \
		--sdk_container_image=$(IMAGE) $(if $(LIMIT),--limit $(LIMIT)) $(ARGS)

train: $(VENV)/.train  ## train a small CLAP on OUTPUT; results go to RUN
	@test -f $(OUTPUT)/build.json || $(MAKE) build-laion-audio
	$(RUN_PY) -m train fit $(OUTPUT) --output $(RUN) $(ARGS)

report: $(VENV)/.install  ## write report.html of OUTPUT: its books, sound, text, rights and samples on one page
	@test -f $(OUTPUT)/plan/plan.json || case '$(OUTPUT)' in *://*) ;; *) $(MAKE) build-laion-audio ;; esac
	$(RUN_PY) -m pipeline report $(OUTPUT) $(ARGS)

# Chromium with its driver, npm for axe-core, and an environment of its own with selenium; what this machine lacks is named.
REPORTS  := .venv-report
$(REPORTS)/bin/python:
	$(PYTHON) -m venv $(REPORTS)

$(REPORTS)/.report: Makefile | $(REPORTS)/bin/python
	$(REPORTS)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt selenium==4.51.0
	@command -v npm > /dev/null || { echo "no npm on this machine: install it, as by \`apt-get install npm\`" >&2; exit 1; }
	npm install --silent --no-save --prefix $(REPORTS) axe-core@4.14.1
	@touch $@

report-check: $(VENV)/.install $(REPORTS)/.report  ## check the report of OUTPUT in a headless Chromium: console, players, accessibility, widths
	@test -f $(OUTPUT)/plan/plan.json || $(MAKE) build-laion-audio
	$(RUN_PY) -m pipeline report $(OUTPUT)
	$(REPORTS)/bin/python tests/report_check.py $(OUTPUT)/report.html $(REPORTS)/node_modules/axe-core/axe.min.js $(REPORTS)/pictures

evaluate: $(VENV)/.train  ## print retrieval scores of RUN on the test split of OUTPUT
	$(RUN_PY) -m train evaluate $(RUN) $(OUTPUT) $(ARGS)

test: $(VENV)/.dev  ## run the tests and the examples in docstrings, without network, in a few minutes
	$(RUN_PY) -m pytest -m "not slow" -n 2 --dist worksteal $(ARGS)

# Python 3.12, say, is python3.12 where that starts (the shims of pyenv may not), else what pyenv has installed.
test-all: $(VENV)/.dev  ## run the slow tests too, then the tests on every other supported Python of this machine
	$(RUN_PY) -m pytest --timeout 2400 $(ARGS)
	@set -e; for version in $(PYTHONS); do \
		if $(RUN_PY) -c "import sys; sys.exit(not sys.version.startswith('$$version.'))"; then continue; fi; \
		python=; \
		for candidate in python$$version "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/$$version.*/bin/python$$version; do \
			if "$$candidate" -c "" 2> /dev/null; then python="$$candidate"; fi; \
		done; \
		if [ -z "$$python" ]; then echo "Python $$version is not on this machine: the tests on it are skipped"; continue; fi; \
		$(MAKE) test VENV=.venv-$$version PYTHON="$$python"; \
	done

lint: $(VENV)/.dev  ## check style, types and barred words
	$(RUN_PY) -m ruff check .
	$(RUN_PY) -m ruff format --check .
	$(RUN_PY) -m mypy
	$(RUN_PY) -m tests.words

constraints: $(VENV)/.install  ## check that pip can install all extras together as constraints.txt pins them
	$(RUN_PY) -m pip install --dry-run --quiet --disable-pip-version-check -c constraints.txt '.[captions,train,publish,gcs,s3,spark,dataflow,engines,dev,bench]'

mutants: $(VENV)/.dev  ## break N lines one at a time; list those that no test notices
	$(RUN_PY) -m tests.mutants $(N) $(SEED) -j $(JOBS) $(ARGS)

engines: $(ENGINES)/.engines $(ENGINES)/bin/prism engines-jar  ## build one set on every engine of this machine, and compare every byte (20 minutes or more)
	PATH=$(abspath $(ENGINES)/bin):$$PATH $(ENGINES)/bin/python -m tests.engines $(ARGS)

readers: $(READERS)/.readers $(VENV)/.dev  ## let the programs of others read the bundled set, and compare every sample
	@test -f $(OUTPUT)/build.json || $(MAKE) build-laion-audio
	$(RUN_PY) -m pipeline papers $(OUTPUT)
	$(RUN_PY) -m tests.readers $(OUTPUT) $(ARGS)

# The words after `bench` are parts: `make bench plan` measures planning alone. `train` is a target of its own: ARGS=train.
PARTS := $(if $(filter bench bench-quick,$(firstword $(MAKECMDGOALS))),$(filter-out train,$(wordlist 2,99,$(MAKECMDGOALS))))

bench: $(VENV)/.bench  ## measure speed, memory and quality as ratios of one run; `make bench plan` for one part
	$(RUN_PY) -m bench $(PARTS) $(ARGS)

bench-quick: $(VENV)/.bench  ## do the same with fewer clips and rounds, in about a minute
	$(RUN_PY) -m bench --quick $(PARTS) $(ARGS)

ifneq ($(PARTS),)
.PHONY: $(PARTS)
$(PARTS):
	@:
endif

fuzz: $(VENV)/.dev  ## give damaged recordings to the decoders for SECONDS
	$(RUN_PY) -m tests.fuzz $(SECONDS)

clean:  ## remove everything that these commands made, .venv included
	rm -rf $(VENV) .venv-* build dist *.egg-info data runs .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
