# ruff: noqa: F401
"""What `started` imports before it forks: all but Ray, whose processes are its own."""

import matplotlib.backends.backend_agg
import matplotlib.backends.backend_pdf
import matplotlib.backends.backend_svg
import scipy.stats
import torch._dynamo  # at a network's first step

import analysis.figures.gallery
import analysis.report.page
import harness.commands.probe
import harness.commands.tune
import harness.run.in_process
