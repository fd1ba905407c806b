"""How two processes share the tests out: those with Ray one after another and first, since two Rays would be in each
other's way; those of a file with fixtures for all of it together; all others one by one."""

from functools import cache
from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parents[1]


class Sharing(LoadScopeScheduling):
    """By file names alone: what starts the processes collects no tests, and marks do not reach it."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return _group(file) or nodeid


@cache
def _group(file: str) -> str:
    text = (ROOT / file).read_text()
    return "ray" if "mark.ray" in text else file if "scope=" in text else ""
