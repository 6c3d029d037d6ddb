# `make demo` and `make test` need Python 3.10 or later and the network once, to install what they use into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Many tests wait for a timeout or for another process: one worker more than cores.
export PYTEST_XDIST_AUTO_NUM_WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
ON_ALL_CORES = --numprocesses=auto --dist=worksteal $(RERUNS)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# It checks and formats the JavaScript and CSS of the sandbox's page; npx, of Node.js, fetches it.
BIOME := @biomejs/biome@2.6.8
# Some images forbid bytecode. Then each worker rewrites all tests, and each program that a test starts compiles all anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test coverage test-long test-all test-floors lint docs bench screenshot clean help

help:
	@echo "make demo      send an SMS and wait for the phone: on a local sandbox, which also answers, or for real with a key"
	@echo "make test      run the tests on all cores; those of stores on SQLite and in memory"
	@echo "make coverage  run them, with PostgreSQL and Redis as well, and measure how much of the source they reach; 95 % is the least"
	@echo "make test-long run the long tests: hundreds of kills, the whole page in a browser, many random examples"
	@echo "make test-all  run the tests on the other Pythons from 3.11 to 3.13 that are installed"
	@echo "make test-floors run the tests on Python 3.10, if it is installed, with the oldest dependencies that are allowed"
	@echo "make lint      check style, types, layers, spelling and workflows"
	@echo "make docs      build the documentation into build/site"
	@echo "make bench     measure speed and memory against their peers"
	@echo "make screenshot take the picture of the sandbox in docs/ anew"
	@echo "make clean     remove what these made"

demo: $(VENV)/.demo
	$(BIN)/python examples/quickstart.py

test: $(VENV)/.dev
	$(BIN)/python -m pytest $(ON_ALL_CORES) -m "not long and not servers"

coverage: $(VENV)/.dev
	$(BIN)/python -m pytest $(ON_ALL_CORES) -m "not long" --cov --cov-report=term-missing:skip-covered

test-long: $(VENV)/.dev
	SMSMOBILE_EXAMPLES=200 $(BIN)/python -m pytest $(ON_ALL_CORES) -m "long or hypothesis"

test-all: $(VENV)/.dev
	bash .ci/test-all

test-floors: $(VENV)-floors/.floors
	$(VENV)-floors/bin/python -m pytest -p no:cacheprovider $(ON_ALL_CORES) -m "not long" --ignore=tests/browser --ignore=tests/simulation --ignore=tests/docs

lint: $(VENV)/.dev
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/python -m mypy --strict tests/typing_usage.py
	MYPYPATH=examples $(BIN)/python -m mypy --strict --explicit-package-bases --exclude /django_shop/ examples
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports
	$(BIN)/python -m codespell_lib
	npx --yes $(BIOME) ci --error-on-warnings --config-path=.ci src/smsmobile/sandbox/page/static
	$(BIN)/zizmor --offline --no-progress --quiet --persona pedantic .github .pre-commit-config.yaml

docs: $(VENV)/.dev
	$(BIN)/python -m mkdocs build --strict --quiet --config-file .ci/mkdocs.yml

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks

screenshot: $(VENV)/.dev
	$(BIN)/python .ci/screenshot.py

clean:
	rm -rf $(VENV) .venv-* build dist .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One environment; each target installs what it is the first to need. pip reads dependency groups since 25.1.
$(VENV)/.venv:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "smsmobile needs Python 3.10 or later; try: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade "pip>=25.1"
	touch $@

$(VENV)/.demo: $(VENV)/.venv pyproject.toml
	$(PIP) install --editable ".[sandbox]"
	touch $@

$(VENV)/.dev: $(VENV)/.venv pyproject.toml
	$(PIP) install --editable ".[sandbox,phone-numbers]" --group dev
	touch $@

# On the oldest Python that is installed here, if that is 3.10; else on the one of $(VENV).
$(VENV)-floors/.floors: $(VENV)/.dev
	$(BIN)/uv venv --quiet --clear --python "$$(sh .ci/find-python 3.10 || echo $(BIN)/python)" $(VENV)-floors
	$(BIN)/uv pip install --quiet --python $(VENV)-floors/bin/python --resolution lowest-direct \
		--editable ".[sandbox,phone-numbers,bulk,redis,sqlalchemy,django,flask,starlette,celery]" --group test
	touch $@

$(VENV)/.bench: $(VENV)/.venv pyproject.toml
	$(PIP) install --editable ".[sandbox,redis,sqlalchemy]" --group bench
	touch $@
