PYTHON ?= python3
BIN = .venv/bin
STAMP = .venv/.installed

PYTEST = $(BIN)/python -m pytest
TWO = -n 2 --no-loadscope-reorder  # tests/sharing.py: Ray's tests one after another, first

.PHONY: demo check reports test test-rest test-slow test-channels test-all test-kernels test-avx2 test-cluster test-apart test-autoscaling test-slurm test-faults \
	test-signals lint docs gpu-kit study-page clean

demo: $(STAMP)
	$(BIN)/nas-harness run demo

reports: $(STAMP)
	set -e; for study in results/*/study.json*; do $(BIN)/nas-harness report "$${study%/study.json*}"; done

# A minute: what needs neither Ray nor training.
check: lint
	$(PYTEST) $(TWO) -m "not (ray or training or long or slow)"

# Twelve minutes on two cores, with check's.
test: lint
	$(PYTEST) $(TWO) -m "not slow"

# What test leaves out. Tests that kill processes and hosts mostly wait: two at a time.
test-rest:
	$(MAKE) test-slow
	$(MAKE) test-channels
	$(MAKE) test-kernels
	$(MAKE) -j 2 --output-sync=target test-slurm test-apart test-autoscaling test-cluster test-faults test-signals FAULTS=20 SIGNALS=20

test-slow: $(STAMP)
	$(PYTEST) $(TWO) -m "slow and not channels"

test-channels: $(STAMP)
	$(PYTEST) $(TWO) -m channels

test-all:
	$(MAKE) test
	$(MAKE) test-rest

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# What computes, as on a processor without AVX-512 and with another BLAS, if this one has more than AVX2; the rooms of
# NUMBERLESS hold no numbers.
NUMBERLESS = odd harness/commands harness/run harness/storage harness/study harness/trackers
test-kernels: $(STAMP)
	@if [ "$$($(BIN)/python -c 'import torch; print(torch.backends.cpu.get_cpu_capability())')" = AVX2 ]; then \
	  echo "test-kernels: this processor has no others than those of AVX2, on which make test ran"; \
	else $(MAKE) --no-print-directory test-avx2; fi
test-avx2: $(STAMP)
	ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 OPENBLAS_CORETYPE=Haswell \
	  $(PYTEST) $(TWO) -m "not (ray or slow)" $(NUMBERLESS:%=--ignore=tests/%)

# Every field of a study, from its models.
study-page: $(STAMP)
	$(BIN)/python docs/study_page.py

docs: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "open site/index.html; to search in it: $(BIN)/python -m http.server --directory site"

# All that a GPU machine without network needs beside torch (docs/gpu-kit.md): make gpu-kit KIT="--data-root DATA"
gpu-kit: $(STAMP)
	$(BIN)/python -m gpu_kit.make $(KIT)

test-cluster: $(STAMP)
	$(BIN)/python tests/cluster/run.py

# Hosts that share an S3 server alone.
test-apart: $(STAMP)
	$(BIN)/python tests/cluster/no_shared_disk.py

# A cluster that grows and shrinks, and loses nodes.
test-autoscaling: $(STAMP)
	$(BIN)/python tests/cluster/autoscaling.py

STRUCK = 4
test-slurm: $(STAMP)
	$(BIN)/python tests/slurm/run.py --signals $(STRUCK)

FAULTS = 100
test-faults: $(STAMP)
	$(BIN)/python tests/faults/run.py --kills $(FAULTS)

SIGNALS = 52
test-signals: $(STAMP)
	$(BIN)/python tests/faults/signals.py --signals $(SIGNALS)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(STAMP)

clean:
	rm -rf .venv build site *.egg-info
