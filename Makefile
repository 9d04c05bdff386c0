# Everything starts here: `make help`. Python environments live in .venv; stamps in .venv/.stamps make a second run quick.
# pip's own variables (PIP_INDEX_URL, PIP_FIND_LINKS, …) choose where packages come from; nothing is fixed here.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --constraint constraints.txt
STAMPS := $(VENV)/.stamps
TORCH := torch==2.13.0
EMBED ?=
ARGS ?=

# Compiled modules are kept even where the environment says otherwise: tests start hundreds of processes.
unexport PYTHONDONTWRITEBYTECODE

.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-long check docs lock bench report clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(STAMPS)/dev ## Install all that tests need (torch included) into .venv

demo: $(STAMPS)/$(if $(filter bge,$(EMBED)),bge,core) ## Run the bot with a local sandbox platform; EMBED=bge adds torch and bge
	$(BIN)/feishu-rag demo $(ARGS)

test: $(STAMPS)/dev ## Run all tests but the long ones; ends with what was skipped and why
	$(BIN)/python -m pytest -m "not long" --numprocesses 4 --dist worksteal $(ARGS)

test-long: $(STAMPS)/dev ## Run the full-size crash, load and fuzz tests
	$(BIN)/python -m pytest -m long --timeout 3600 $(ARGS)

check: $(STAMPS)/dev ## Check format, lint, types, import contracts and architecture
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/architecture

docs: $(STAMPS)/core ## Write config.yaml, .env.example and docs/configuration.md out of the settings models
	$(BIN)/python -m bot.settings.reference

lock: $(STAMPS)/core ## Write deploy/requirements.lock and its bill of materials, deploy/sbom.cdx.json
	$(BIN)/python deploy/lock.py

bench: $(STAMPS)/dev ## Run every benchmark once
	@for script in benchmarks/[a-z]*.py; do echo "== $$script"; $(BIN)/python "$$script" $(ARGS) || exit 1; done

report: $(STAMPS)/dev ## Run the web benchmark three times and write docs/performance.md
	$(BIN)/python benchmarks/_report.py $(ARGS)

clean: ## Remove caches and build output; .venv and data stay
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

$(STAMPS)/venv:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not there: install Python 3.11 or newer, or name one with PYTHON=…" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed and $(PYTHON) is %s: name another one with PYTHON=…" % sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -c 'import ensurepip, venv' || { echo "$(PYTHON) cannot make environments: install its venv package (Debian: python3-venv)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@$(PIP) --upgrade pip
	@mkdir -p $(STAMPS) && touch $@

# torch first and pinned: otherwise the resolver may bring another build of it along with a dependency.
$(STAMPS)/torch: constraints.txt | $(STAMPS)/venv
	@echo "installing $(TORCH) …"
	@$(PIP) $(TORCH)
	@touch $@

$(STAMPS)/core: pyproject.toml constraints.txt | $(STAMPS)/venv
	@echo "installing feishu-rag[docs,mcp] …"
	@$(PIP) --editable '.[docs,mcp]'
	@touch $@

$(STAMPS)/bge: pyproject.toml constraints.txt $(STAMPS)/torch
	@echo "installing feishu-rag[bge,docs,mcp] …"
	@$(PIP) --editable '.[bge,docs,mcp]'
	@touch $(STAMPS)/core $@

$(STAMPS)/dev: pyproject.toml constraints.txt $(STAMPS)/torch
	@echo "installing feishu-rag[bge,dev] …"
	@$(PIP) --editable '.[bge,dev]'
	@touch $(STAMPS)/core $(STAMPS)/bge $@
