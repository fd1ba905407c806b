"""For every test: one thread per process, since the tests' networks are tiny; and a Ctrl-C that reaches the commands
they start, wherever the tests themselves were started."""

import os
import signal

os.environ["OMP_NUM_THREADS"] = "1"
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a job that a shell started in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)

import torch

torch.set_num_threads(1)
