"""Ends a trial whose epoch does not end."""

import faulthandler
import os
import re
from pathlib import Path
from typing import IO

from harness.storage.files import opened


class TrialWatch:
    """Ends this process unless `stop` or `start` is called again within `limit` seconds.

    The clock is `faulthandler`'s: a thread without Python, which also ends a process that hangs in C. What it prints
    on the way out stays in `file`, as the reason.
    """

    def __init__(self, file: Path, limit: float | None) -> None:
        self.limit, self._path = limit, file
        self._file: IO[str] | None = None

    def start(self) -> None:
        if self.limit is None:
            return
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(opened(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "w")
        faulthandler.dump_traceback_later(self.limit, exit=True, file=self._file)

    def stop(self) -> None:
        if self.limit is not None:
            faulthandler.cancel_dump_traceback_later()

    def close(self) -> None:
        self.stop()
        if self._file is not None:
            self._file.close()
            self._path.unlink(missing_ok=True)
            self._file = None


def timeout_reason(file: Path) -> str | None:
    """Why a TrialWatch ended the process, and where it hung; None where none did. Said once."""
    try:
        text = file.read_text()
        file.unlink()
    except FileNotFoundError:
        return None
    if not text:
        return None
    threads = text.split("\n\n")
    mine = next((t for t in threads if re.search(r'harness/training/(epochs|run_job)\.py"', t)), text)
    where = re.search(r'File "([^"]+)", line (\d+) in (\w+)', mine)
    limit = re.search(r"Timeout \(([^)]*)\)", text)
    at = f"; it stood in {where[3]} ({Path(where[1]).name}, line {where[2]})" if where else ""
    return f"time limit: no epoch ended within {limit[1] if limit else 'it'}{at}"
