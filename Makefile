# Two commands do all on a fresh machine: `make demo` (the main job on the embedded sample cycle), `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Refuses an old Python in one sentence, then makes the environment where there is none.
SETUP = test -x $(BIN)/python || { \
	command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: install Python 3.11 or newer, or name one with make PYTHON=..."; exit 1; }; \
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "skyscape needs Python 3.11 or newer; $(PYTHON) is %d.%d: name a newer one with make PYTHON=..." % sys.version_info[:2] or 0)' || exit 1; \
	$(PYTHON) -m venv $(VENV) || { echo "python3-venv is missing: install it (Debian: apt-get install python3-venv) and try again"; rm -rf $(VENV); exit 1; }; }

.PHONY: pictures demo desk test check bench soak science docs browser wheelhouse audit fuzz clean

demo: $(VENV)/run.stamp
	$(BIN)/python -m forecast demo
	@echo "then 'make desk' opens the forecaster's desk and a ranger's page on it"

# The desk and a page to report from, on the demonstration, until stopped.
desk: $(VENV)/run.stamp
	$(BIN)/python -m forecast serve --demo

test: $(VENV)/test.stamp browser
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(TESTS)

check: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/contracts/test_architecture.py

bench: $(VENV)/test.stamp
	$(BIN)/python tests/bench/run.py

# A simulated season of the service, killed and hindered at random: DAYS=10 KILLS=25 SEED=7 for a shorter one.
soak: $(VENV)/test.stamp
	$(BIN)/python -W ignore tests/soak/run.py --days $(or $(DAYS),120) --kills $(or $(KILLS),300) --seed $(or $(SEED),7)

docs: $(VENV)/test.stamp
	$(BIN)/python -m docs.build docs

# All topics, or those of TOPICS="lead snow"; TOPICS=list names them.
science: $(VENV)/test.stamp
	$(BIN)/python tests/science/run.py $(TOPICS)

# What a machine without a network is installed from: dist/wheelhouse, see docs/handbook.en.md.
wheelhouse: $(VENV)/test.stamp
	$(BIN)/python docs/deploy/wheelhouse.py dist/wheelhouse

# Known holes in what the locks name; skipped, and said so, where the advisory service cannot be reached.
audit:
	@$(PYTHON) tests/audit.py

# Every parser with inputs that nobody thought of, for SECONDS of CPU; what breaks one is kept in tests/fuzz/corpus.
fuzz: $(VENV)/test.stamp
	$(BIN)/python -W ignore tests/fuzz/run.py $(or $(SECONDS),300) $(TARGETS)

# The pictures of README.md, from the demonstration.
pictures: demo browser
	$(BIN)/python -m tests.e2e.take_pictures var/demo/site docs/pictures

# The environment of the program; pip's own hashes are checked against the lock.
$(VENV)/run.stamp: requirements.lock
	@$(SETUP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	@touch $@

# The environment of the tests: the program's and what the tests use.
$(VENV)/test.stamp: tests/requirements.lock
	@$(SETUP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r tests/requirements.lock
	@touch $@ $(VENV)/run.stamp

# Debian's Chromium and a Chinese font, where they may be installed; where not, the browser tests are skipped and say so.
browser:
	@sh tests/e2e/install_browser.sh

clean:
	rm -rf $(VENV) var build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
