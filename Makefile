PYTHON ?= python3
BIN = .venv/bin
STAMP = .venv/.installed

.PHONY: demo test test-cluster test-faults lint docs clean

demo: $(STAMP)
	$(BIN)/nas-harness run demo

test: lint
	$(BIN)/python -m pytest

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "open site/index.html; to search in it: $(BIN)/python -m http.server --directory site"

test-cluster: $(STAMP)
	$(BIN)/python tests/cluster/run.py

test-faults: $(STAMP)
	$(BIN)/python tests/faults/run.py

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(STAMP)

clean:
	rm -rf .venv build site *.egg-info
