# Mandate in two commands: `make run` and `make test`. `make help` lists the others.
# Paths here are relative on purpose: make cannot name a target whose path holds a space.

PYTHON ?= python3
UV_VERSION := 0.13.9
PY := .venv/bin/python

export UV_LINK_MODE := copy
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup run demo test check lint format bench bench-data lock clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | while IFS='|' read -r name text; do printf '  make %-11s %s\n' "$$name" "$$text"; done

setup: .venv/.stamp ## Make the virtual environment from the locked packages

run: .venv/.stamp ## Start everything; Ctrl-C ends everything (PORT, MANDATE_STATE, MANDATE_DEMO: docs/operations.md)
	@$(PY) -m mandate.supervisor

demo: .venv/.stamp ## Start everything on a demo organisation in var/demo, apart from your own data
	@MANDATE_STATE="$${MANDATE_STATE:-$$PWD/var/demo}" MANDATE_DEMO=1 $(PY) -m mandate.supervisor

test: .venv/.stamp ## Run the whole suite on the embedded PostgreSQL (or on DATABASE_URL)
	@if [ -n "$$DATABASE_URL" ]; then echo "Testing on the server of DATABASE_URL."; else echo "Testing on the embedded PostgreSQL."; fi
	@$(PY) -m pytest -n auto -m "not service" $(ARGS)

check: .venv/.stamp ## Lint, format, types, imports, migrations, deployment
	@echo "== ruff check";            $(PY) -m ruff check .
	@echo "== ruff format";           $(PY) -m ruff format --check .
	@echo "== mypy --strict";         $(PY) -m mypy
	@echo "== import-linter";         $(PY) -c "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_logo=True))"
	@echo "== missing migrations";    $(PY) manage.py makemigrations --check --dry-run
	@echo "== check --deploy";        MANDATE_MODE=production MANDATE_ALLOWED_HOSTS=mandate.example.com \
		MANDATE_SECRET_KEY="$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(60))')" \
		DATABASE_URL="$${DATABASE_URL:-postgres://mandate@db.example.com/mandate}" \
		CELERY_BROKER_URL="$${CELERY_BROKER_URL:-redis://redis.example.com/0}" \
		$(PY) manage.py check --deploy --fail-level WARNING
	@echo "All checks passed."

lint: check ## The same as check

format: .venv/.stamp ## Rewrite the code in the house format
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

bench-data: .venv/.stamp ## Fill a database of its own with N identities (make bench-data N=100000)
	@$(PY) -m benchmarks.data $(N)

bench: .venv/.stamp ## Measure against hand-written SQL; results in benchmarks/results/
	@$(PY) -m benchmarks

lock: .venv/.stamp ## Lock the newest permitted packages, with hashes
	@$(PY) -m uv pip compile pyproject.toml --group dev --generate-hashes --universal --python-version 3.11 --upgrade -q -o requirements.lock
	@$(PY) -m uv pip compile pyproject.toml -c requirements.lock --generate-hashes --universal --python-version 3.11 -q -o requirements.production.lock

clean: ## Remove the virtual environment, caches and test databases; your data in var/ stay
	@if [ -x $(PY) ]; then $(PY) -c "from mandate import embedded_postgres as e; e.remove(e.state_directory(), name='test-postgres')"; fi
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .benchmarks var/static var/prepared
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "Removed .venv, caches, static files and test databases."

.venv/.stamp: requirements.lock
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON). Install Python 3.11 or newer, or name yours: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is $$($(PYTHON) --version 2>&1); Mandate needs Python 3.11 or newer. Name one: make PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "This Python cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "Making the virtual environment in .venv ..."
	@$(PYTHON) -m venv .venv
	@echo "Installing the locked packages (checked by hash; about 1 GB on disk) ..."
	@$(PY) -m pip install -q uv==$(UV_VERSION) || { echo "The package index cannot be reached. Check the network and pip's configuration, then run make again."; exit 1; }
	@$(PY) -m uv pip install -q --python $(PY) --only-binary :all: --require-hashes -r requirements.lock \
		|| { echo "The locked packages could not be installed; the message above says which. Nothing is ever compiled, so no compiler helps: use Python 3.11, 3.12 or 3.13 on Linux (glibc) or macOS, or check the network."; exit 1; }
	@touch .venv/.stamp
