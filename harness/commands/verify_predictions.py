"""Whether the predictions that lie beside the rows are those whose digests the rows hold; lost ones are no fault."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from analysis.results.outcomes import is_percentage
from analysis.results.predictions import Odd, of_row
from harness.vocabulary.kinds import Kind
from harness.vocabulary.rows import Status


def problems(folder: Path, rows: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """A line for each file whose digest, length or accuracy is not its row's."""
    for key, row in rows.items():
        accuracy = row.get("test_accuracy")
        if row.get("kind") != Kind.TRAIN or row["status"] != Status.DONE or not is_percentage(accuracy):
            continue
        try:
            of_row((folder,), key, row.get("predictions"), row.get("test_labels"), float(accuracy or 0))
        except Odd as fault:
            yield str(fault)
