# Needs only Python 3.11 or newer and make. `make run` starts the game, `make test` runs every test.
PYTHON := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help run test bench loadtest lint advisories format clean

help:
	@echo 'make run      start Stocking on http://127.0.0.1:8000/ (PORT=… for another port)'
	@echo 'make test     run the whole test suite'
	@echo 'make bench    how fast the engine settles; ORDERS=… LISTINGS=…'
	@echo 'make loadtest orders over HTTP to an instance of its own; USERS=… ORDERS=… DATABASE_URL=…'
	@echo 'make lint     ruff, import-linter, mypy, djlint'
	@echo 'make advisories  known holes in the pinned packages (pip-audit; needs the network)'
	@echo 'make format   put Python files and templates into the project style'
	@echo 'make clean    remove the virtual environment, caches and var/ (the local game data)'

# The stamps are touched last, so an installation that was interrupted is taken up again.
.venv/.installed-base: requirements-base.txt
	@sh stocking/launch/install.sh requirements-base.txt
	@touch .venv/.installed-base

.venv/.installed-dev: requirements-base.txt requirements-dev.txt
	@sh stocking/launch/install.sh requirements-dev.txt
	@touch .venv/.installed-base .venv/.installed-dev

run: .venv/.installed-base
	@exec $(PYTHON) -m stocking.launch

test: .venv/.installed-dev
	@exec $(PYTHON) -m pytest $(or $(TESTS),--numprocesses 2 --dist loadscope --no-loadscope-reorder)

bench: .venv/.installed-base
	@exec $(PYTHON) manage.py bench_engine --orders $(or $(ORDERS),10000) --listings $(or $(LISTINGS),1)

loadtest: .venv/.installed-base
	@exec $(PYTHON) -m stocking.launch.measure loadtest --users $(or $(USERS),100) --orders $(or $(ORDERS),1000) $(OPTIONS)

lint: .venv/.installed-dev
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'
	$(PYTHON) -m mypy
	$(PYTHON) -m djlint --check --lint templates

# In an environment of its own: what audits the packages must not change them.
advisories: .venv/.installed-base
	@test -x .venv/advisories/bin/pip-audit || $(PYTHON) -m venv .venv/advisories
	@.venv/advisories/bin/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1
	@for file in requirements.txt requirements-dev.txt; do \
		.venv/advisories/bin/pip-audit --no-deps --disable-pip --requirement $$file || exit 1; \
	done

format: .venv/.installed-dev
	$(PYTHON) -m ruff check --fix-only .
	$(PYTHON) -m ruff format .
	$(PYTHON) -m djlint --reformat --quiet templates

clean:
	@if [ -e var/launch.lock ] && [ -x $(PYTHON) ]; then $(PYTHON) -m stocking.launch --check-stopped; fi
	rm -rf .venv var .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
