"""Ends a trial whose epoch does not end."""

import faulthandler
import math
import os
import re
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import IO

from harness.storage.files import opened

LEAST = 0.001  # seconds that a trial has left when its turn comes
LIMIT = "limit ({})"  # how the file begins


class TrialWatch:
    """Ends this process unless `stop` is called within `limit` seconds of `start`; where that goes on, of all together.

    The clock is `faulthandler`'s: a thread without Python, which also ends a process that hangs in C. What it prints
    on the way out stays in `file`, as the reason. A process has one such clock. Where several trials take turns, it is
    that of the trial whose turn it is, so that what hangs is what is ended and named.
    """

    def __init__(self, file: Path, limit: float | None) -> None:
        self.limit, self._path = limit, file
        self._file: IO[str] | None = None
        self._left, self._since = limit or 0.0, math.nan  # seconds; since when the clock runs, NaN where it does not

    def start(self, anew: bool = True) -> None:
        """An epoch begins; or, not `anew`, it goes on after the turns of others."""
        if self.limit is None:
            return
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(opened(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "w")
            print(LIMIT.format(timedelta(seconds=self.limit)), file=self._file, flush=True)
        self._left, self._since = self.limit if anew else self._left, monotonic()
        faulthandler.dump_traceback_later(self._left, exit=True, file=self._file)

    def stop(self) -> None:
        """The epoch has ended, or it is another's turn."""
        if not math.isnan(self._since):
            faulthandler.cancel_dump_traceback_later()
            self._left = max(LEAST, self._left - (monotonic() - self._since))
            self._since = math.nan

    def close(self) -> None:
        self.stop()
        if self._file is not None:
            self._file.close()
            self._path.unlink(missing_ok=True)
            self._file = None


def timeout_reason(file: Path) -> str | None:
    """Why a TrialWatch ended the process, and where it hung; None where none did. Said once."""
    try:
        text = file.read_text(errors="replace")
        file.unlink()
    except FileNotFoundError:
        return None
    if "Timeout (" not in text:
        return None
    threads = text.split("\n\n")
    mine = next((t for t in threads if re.search(r'harness/training/(epochs|run_job)\.py"', t)), text)
    where = re.search(r'File "([^"]+)", line (\d+) in (\w+)', mine)
    limit = re.search(r"(?:limit|Timeout) \(([^)]*)\)", text)
    at = f"; it stood in {where[3]} ({Path(where[1]).name}, line {where[2]})" if where else ""
    return f"time limit: no epoch ended within {limit[1] if limit else 'it'}{at}"
