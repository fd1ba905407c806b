"""Made-up and kept results folders, judged as a report judges them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import rows_factory as factory

from analysis.findings.caveats import caveats
from analysis.findings.comparisons import Compared, Comparison, compared
from analysis.results.rows import Results, load
from analysis.results.table import lines

KEPT = Path(__file__).parents[1] / "results"
PRIMARY = {"method": "darts-A", "against": "twins", "at": "mean"}


def judged(folders: Path | list[Path]) -> tuple[Results, Compared, str]:
    results = load(folders)
    table = lines(results)
    found = compared(results, table)
    return results, found, "\n".join(caveats(results, table, found))


def made(place: Path, study: Mapping[str, Any], rows: list[dict[str, Any]]) -> Path:
    return factory.write(place / study["name"], study, rows)


def fixed(study: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """What the protocol of a made-up study fixes."""
    names = ("smallest_effect", "alpha", "looks", "rows", "seeds")
    return {**{name: study[name] for name in names}, "primary": study.get("primary"), "failures": "chance", **changes}


def with_accuracies(rows: list[dict[str, Any]], values: Mapping[str, list[float]]) -> list[dict[str, Any]]:
    """The rows with these accuracies, a method's in the order of seeds."""
    return [
        {**row, "test_accuracy": values[row["method"]][row["seed"]]} if row["method"] in values else row for row in rows
    ]


def cut(folder: Path, methods: set[str]) -> None:
    study = json.loads((folder / "study.json").read_text())
    study["rows"] = [row for row in study["rows"] if row["method"] in methods]
    study["plan"] = [job for job in study["plan"] if job["kind"] != "train" or job["method"] in methods]
    (folder / "study.json").write_text(json.dumps(study))


def pair(found: Compared, first: str, second: str) -> Comparison:
    return next(c for c in found.pairs if (c.method, c.against) == (first, second))
