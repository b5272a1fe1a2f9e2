# The two commands a stranger needs are `make run` and `make test`; `make check` is the quick part.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test check install install-dev install-bench system-packages lock clean

run: $(VENV)/.installed ## start a demo on a throw-away data folder and print the addresses to open
	$(BIN)/spaces demo

test: $(VENV)/.installed-dev system-packages ## everything: lint, types, unit (on both databases), simulation, interop, browsers
	$(MAKE) check
	$(BIN)/python -m pytest -n 2 -m thorough tests/unit tests/property tests/fuzz
	$(BIN)/python -m pytest -n 2 --postgresql tests/unit tests/property # once more, what touches a database
	$(BIN)/python -m pytest tests/simulation tests/interop tests/browser

check: $(VENV)/.installed-dev ## lint, types, and what is quick of unit and property tests on SQLite: some minutes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 -m "not thorough" tests/unit tests/property tests/fuzz

install: $(VENV)/.installed
install-dev: $(VENV)/.installed-dev

$(VENV)/bin/python:
	@PYTHON="$(PYTHON)" sh tools/make-venv.sh $(VENV)

$(VENV)/.installed: $(VENV)/bin/python requirements.lock pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m spaces.mixing.warmup # compiles the audio loops once, not at the first start
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.lock requirements-localstripe.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@# GPL, so it lies apart: a program that one test runs, and nothing that Python here can import
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --no-build-isolation \
	  --upgrade --target $(VENV)/localstripe -r requirements-localstripe.lock
	@touch $@

install-bench: $(VENV)/.installed-dev ## what measures sound quality (needs a C compiler and Python's headers)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock

system-packages: ## Debian packages of the tests, when root or sudo is there
	@sh tools/test-packages.sh

lock: ## resolve again the versions that pyproject.toml allows (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --extra build pyproject.toml -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --extra build --extra dev pyproject.toml -o requirements-dev.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --extra build --extra bench pyproject.toml -o requirements-bench.lock
	printf 'localstripe==1.15.10\npython-dateutil\ntzdata\n' | uv pip compile -q --universal --python-version 3.11 --no-deps --generate-hashes --no-header --no-annotate - -o requirements-localstripe.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build dist *.egg-info
