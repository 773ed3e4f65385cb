# The same commands for a person, for CI and for a fresh machine. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
TESTS ?= tests
JOBS ?= 2
PART ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export PYTHONDONTWRITEBYTECODE =

.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

$(BIN)/python:
	@sh scripts/make-venv "$(PYTHON)" "$(VENV)"

# The lock is complete, so nothing is resolved: an older pip, seeing an extra of a dependency (`name[extra]`), would take its
# newest release before the pinned one and then miss the hash. `pip check` says if the lock were not complete.
INSTALL := $(BIN)/python -m pip install -q --no-deps --require-hashes

$(VENV)/.runtime: $(BIN)/python requirements.lock requirements-assets.lock pyproject.toml scripts/link-checkout
	$(INSTALL) -r requirements.lock
	@$(BIN)/python -m pip check
	@# The wheel that carries htmx, beside the environment and without what it depends on: only its script is used.
	$(INSTALL) --upgrade --target $(VENV)/assets -r requirements-assets.lock
	@# A path file, not a build: the checkout itself is what runs, and nothing is fetched outside the lock.
	$(BIN)/python scripts/link-checkout
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	$(INSTALL) -r requirements-dev.lock
	@$(BIN)/python -m pip check
	@touch $@

$(VENV)/.bench: $(VENV)/.dev requirements-bench.lock
	$(INSTALL) -r requirements-bench.lock
	@touch $@

setup: $(VENV)/.runtime ## make .venv with the command `.venv/bin/gapbridge` in it (`. .venv/bin/activate`: just `gapbridge`)
setup-dev: $(VENV)/.dev ## the same with the tools for tests and checks

demo: setup ## run the whole loop on a sandbox world, then serve it (ARGS=--once: print the ledger and stop)
	$(BIN)/gapbridge demo $(ARGS)

run: setup ## start an installation on the embedded default (SQLite, workers in the process)
	$(BIN)/gapbridge serve $(ARGS)

test: setup-dev ## the whole suite, on every server that this machine has
	$(BIN)/python -m slipcover -m pytest -n $(JOBS) $(ARGS) $(TESTS)

check: setup-dev ## style, types, import contracts, migrations, generated docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/check-migrations
	$(BIN)/python scripts/generate-docs --check
	$(BIN)/python scripts/catalogs --check

fix: setup-dev ## let ruff and the generators mend what they can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python scripts/generate-docs
	$(BIN)/python scripts/catalogs

catalogs: setup ## bring the translations up to date with the words in the code; then fill what is empty
	$(BIN)/python scripts/catalogs

screenshots: setup-dev ## pictures of every page, wide and narrow, light and dark, into build/screenshots
	$(BIN)/python scripts/screenshots $(ARGS)

bench: $(VENV)/.bench ## measure against the floors (docs/explanation/performance.md); ARGS picks some by name
	$(BIN)/python -m benchmarks $(ARGS)

soak: setup-dev ## the long form of the proofs: 10,000 sends, 500 kills (PART=100: a hundredth of each)
	GAPBRIDGE_SOAK_PART=$(PART) $(BIN)/python -m pytest -m soak -s --timeout=0 $(ARGS) $(TESTS)

lock: ## renew the lock files (needs `uv` on the PATH)
	uv pip compile pyproject.toml --extra sandbox --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-package gapbridge -q -U -o requirements.lock
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-package gapbridge -q -U -c requirements.lock -o requirements-dev.lock
	echo 'django-htmx>=1.29,<2' | uv pip compile - --no-deps --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q -U -o requirements-assets.lock
	uv pip compile pyproject.toml --extra bench --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-package gapbridge -q -U -c requirements-dev.lock -o requirements-bench.lock

clean: ## remove what the other targets made
	rm -rf $(VENV) app/web/static/lib var dist build .pytest_cache .mypy_cache .ruff_cache

.PHONY: help setup setup-dev demo run test check fix catalogs screenshots bench soak lock clean
