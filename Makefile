# Needs python3 (3.11 or newer) and make. `make help` lists what there is.

PYTHON ?= python3
BIN := .venv/bin
# Tests of one group share a worker: those in the browser share one running Messenger.
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadgroup
CODE := messenger broadcasts tracking reports tests manage.py
LOCK := uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet

.PHONY: help run test check bench format lock
.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

run: .venv/runtime ## start Messenger on http://127.0.0.1:8000/ (PORT=... for another port); Ctrl-C stops it
	@exec $(BIN)/python manage.py serve

test: .venv/dev ## all tests, on SQLite and on PostgreSQL with Redis (TESTS="-k sending" for some)
	@echo "== on SQLite"
	@$(PYTEST) $(TESTS)
	@echo "== on PostgreSQL and Redis"
	@$(BIN)/python -m tests.with_servers -- $(PYTEST) $(TESTS)

check: .venv/dev ## style, types, templates, imports, settings, migrations
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy messenger broadcasts tracking reports tests
	$(BIN)/djlint templates --lint --quiet
	$(BIN)/lint-imports
	$(BIN)/python manage.py check
	$(BIN)/python manage.py makemigrations --check --dry-run

bench: .venv/dev ## the figures of README, measured on this machine
	@$(BIN)/python -m tests.benchmarks
	@$(BIN)/python -m tests.with_servers -- $(BIN)/python -m tests.benchmarks

format: .venv/dev ## write the code in its one style
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

lock: ## the newest versions that pyproject.toml allows, with hashes, into requirements*.txt
	@command -v uv >/dev/null || { echo "make lock needs uv (https://docs.astral.sh/uv/)." >&2; exit 1; }
	$(LOCK) --upgrade -o requirements.txt
	$(LOCK) --upgrade --extra dev -o requirements-dev.txt

# One environment for both: the development lock holds everything of the other and more.
.venv/runtime: requirements.txt
	$(call install,requirements.txt)
	@touch $@

.venv/dev: requirements-dev.txt
	$(call install,requirements-dev.txt)
	@touch .venv/runtime $@

define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Messenger needs Python 3.11 or newer, and '$(PYTHON)' is not." >&2; \
	  echo "With a newer one installed, name it: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make environments. On Debian and Ubuntu: sudo apt install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@echo "Installing $(1) into .venv ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1)
endef
