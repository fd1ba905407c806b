PYTHON ?= python3
BIN = .venv/bin
STAMP = .venv/.installed

.PHONY: demo reports test test-cluster test-faults lint clean

demo: $(STAMP)
	$(BIN)/nas-harness run demo

reports: $(STAMP)
	set -e; for study in results/*/study.json; do $(BIN)/nas-harness report "$${study%/study.json}"; done

test: lint
	$(BIN)/python -m pytest

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

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
	rm -rf .venv build *.egg-info
