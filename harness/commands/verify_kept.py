"""Whether what is kept compressed is whole, and a copy of study.json says what study.json does."""

import json
from collections.abc import Iterator
from pathlib import Path

from harness.errors import BadInput
from harness.storage.checks import is_whole
from harness.storage.folder import study_file
from harness.storage.kept import kept_lines, kept_study, unpacked


def problems(folder: Path) -> Iterator[str]:
    """A line each. The last line of trials.jsonl may be torn: the next run cuts it off, while no run adds to others."""
    if study_file(folder).exists() and kept_study(folder).exists():
        yield from _stale(folder)
    for path, lines in kept_lines(folder):
        if lines and not is_whole(lines[-1]):
            yield f"{path.name}, line {len(lines)} is torn, and no row: take the file from where it was kept"


def _stale(folder: Path) -> Iterator[str]:
    copy = kept_study(folder)
    try:
        kept, now = (dict(json.loads(content)) for content in (unpacked(copy), study_file(folder).read_bytes()))
    except (BadInput, ValueError, TypeError, RecursionError) as error:
        yield f"{copy.name} is no study ({error}): pack study.json anew, or remove it"
        return
    if names := sorted(name for name in kept.keys() | now.keys() if kept.get(name) != now.get(name)):
        yield f"{copy.name} has other {', '.join(names)} than study.json beside it: pack it anew, or remove it"
