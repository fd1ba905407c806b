"""The command in a process of its own that is forked from one which has imported everything: imports take most of a
small command's time. What depends on a fresh interpreter (signals, broken streams, other kernels) starts one instead.
"""

import atexit
import contextlib
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests import pictures

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.imported"])


def harness(*words: object, cwd: Path | None = None, env: Mapping[str, str] | None = None,
            timeout_seconds: float = 400) -> subprocess.CompletedProcess[str]:  # fmt: skip
    """`python -m harness WORDS`: its status and what it wrote."""
    line = [str(word) for word in words]
    with tempfile.TemporaryDirectory() as name:
        process = FORKS.Process(
            target=_command, args=(line, cwd or Path.cwd(), dict(env or os.environ), name, pictures.drawn())
        )
        process.start()
        process.join(timeout_seconds)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(line, timeout_seconds)
        out, err = ((Path(name) / stream).read_text() for stream in ("out", "err"))
    return subprocess.CompletedProcess(line, process.exitcode, out, err)


def _command(line: Sequence[str], cwd: Path, env: Mapping[str, str], streams: str, drawn: bool) -> None:
    """In the process: as the interpreter starts a command, and ends it."""
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.path[:0] = [path for path in env.get("PYTHONPATH", "").split(os.pathsep) if path]
    for number, name in enumerate(("in", "out", "err")):
        os.dup2(os.open(os.path.join(streams, name), os.O_CREAT | os.O_RDWR | os.O_APPEND), number)
    sys.argv = ["nas-harness", *line]
    pictures.draw(drawn)
    with open(0) as sys.stdin, open(1, "w") as sys.stdout, open(2, "w", buffering=1) as sys.stderr:
        from harness.cli import main

        with contextlib.ExitStack() as stack:
            stack.callback(atexit._run_exitfuncs)
            main(line)
