"""A tiny study that keeps its networks, for the tests of what is done with them."""

from pathlib import Path
from typing import Any

from harness.storage.rows import latest_rows
from tests.driven import ran
from tests.studies import TINY, as_toml

STUDY: dict[str, Any] = {
    **TINY, "name": "driven", "keep_weights": "best", "recipe": {**TINY["recipe"], "epochs": 1},
    "method": [{"name": "drawn", "strategy": "random", "rule": "A"}, {"name": "baseline"}],
}  # fmt: skip


def trained(place: Path, **changes: Any) -> Path:
    """The results folder of the study, with `changes`, after it ran at `place`."""
    assert ran(place, study=as_toml({**STUDY, **changes}), engine_path="eager contiguous")[0] == 0
    return place / "driven"


def rows(folder: Path, method: str = "") -> list[dict[str, Any]]:
    """Of final trainings, those of `method` or all."""
    return [dict(row) for row in latest_rows(folder).values()
            if row["kind"] == "train" and (not method or method in row["methods"])]  # fmt: skip
