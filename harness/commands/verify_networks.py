"""Whether the networks that a study keeps are those whose digests the rows hold; lost ones are no fault."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.storage import networks


def problems(folder: Path, rows: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """A line for each file that is not its row's."""
    for key, row in rows.items():
        if row.get("weights") and networks.file(folder, key).exists() and (fault := networks.fault(folder, row)):
            yield fault
