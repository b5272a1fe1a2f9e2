# The two commands a stranger needs are `make run` and `make test`; `make check` is the quick part.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
unexport PYTHONDONTWRITEBYTECODE # tests start the program hundreds of times: what is compiled once is kept

.PHONY: run test check install install-dev install-bench system-packages typescript lock clean

run: $(VENV)/.installed ## start a demo on a throw-away data folder and print the addresses to open
	$(BIN)/spaces demo

test: $(VENV)/.installed-dev system-packages typescript ## everything: lint, types, unit (on both databases), simulation, interop, browsers
	$(MAKE) check
	$(BIN)/python -m tests.harness.second_look --looks 5 -n 2 --dist worksteal -m thorough tests/unit tests/property tests/fuzz tests/simulation
	$(BIN)/python -m tests.harness.second_look --looks 5 -n 2 --dist worksteal --postgresql tests/unit tests/property # once more, what a database has a part in
	$(BIN)/python -m tests.harness.second_look -n 2 --dist worksteal -m "not listens and not alone" tests/interop tests/browser
	$(BIN)/python -m tests.harness.second_look -n 2 --dist worksteal -m "listens and not alone" tests/interop tests/browser # mostly waits
	$(BIN)/python -m tests.harness.second_look -m alone tests/interop tests/browser

check: $(VENV)/.installed-dev ## lint, types, and what is quick of unit and property tests on SQLite: some minutes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --num-workers 2
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not thorough" tests/unit tests/property tests/fuzz

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

typescript: tools/typescript/node_modules/.installed ## the type checker of the page's scripts, where there is npm

tools/typescript/node_modules/.installed: tools/typescript/package-lock.json | system-packages
	@if command -v npm >/dev/null; then npm ci --silent --ignore-scripts --no-audit --no-fund --prefix tools/typescript && touch $@; \
	else echo "no npm: the test of the page's types is skipped" >&2; fi

lock: ## resolve again the versions that pyproject.toml allows (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --extra build pyproject.toml -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --extra build --extra dev pyproject.toml -o requirements-dev.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --extra build --extra bench pyproject.toml -o requirements-bench.lock
	printf 'localstripe==1.15.10\npython-dateutil\ntzdata\n' | uv pip compile -q --universal --python-version 3.11 --no-deps --generate-hashes --no-header --no-annotate - -o requirements-localstripe.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build dist *.egg-info
