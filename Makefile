# Everything runs in .venv, which is made from the lock file; no root, nothing outside this folder.
# Debian's own Python where it will do, for that is where we promise to run; else the one in PATH, which
# may be a build without optimisations. `make PYTHON=...` takes any other from 3.11 on.
PYTHON ?= $(shell /usr/bin/python3 -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' \
    2> /dev/null && echo /usr/bin/python3 || echo python3)
BIN := .venv/bin
STAMP := .venv/.made-from-lock

# The tests start a hundred processes: what one compiled, the next need not compile again.
export PYTHONDONTWRITEBYTECODE :=
# Many tests wait for machines in real time: more of them than there are cores may run at once.
# tests/scheduling.py says which of them.
PYTEST := $(BIN)/pytest -n 5 --no-loadscope-reorder

.PHONY: demo test quick soak bench lint clean
.DELETE_ON_ERROR:

demo: $(STAMP)
	$(BIN)/cardcentre demo

test: lint
	$(PYTEST) -m "not soak"

# Every test that needs no independent program.
quick: $(STAMP)
	$(PYTEST) -m "not soak" --ignore tests/peers

soak: $(STAMP)
	$(BIN)/pytest -m soak -s --timeout 0

bench: $(STAMP)
	$(BIN)/python -m benchmarks.run $(NAME)

lint: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@
