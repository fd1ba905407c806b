"""The study's primary question as pairs: `method` against its twins or another method, at one snapshot or over all."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from analysis.results.pairs import Pairs, Question, Sides
from analysis.results.table import Line, family


def primary_questions(primary: Mapping[str, Any], table: Sequence[Line],
                      fixed: Collection[str] | None = None) -> list[Question]:  # fmt: skip
    """What the primary comparison is made of, one a snapshot; none where the table has no such rows. `fixed`: the rows
    that the protocol had first, where a snapshot that was added later must not move a mean."""
    primary = placed(primary)
    if fixed is not None:
        table = [line for line in table if line.method in fixed]
    lines = [line for line in table if family(line.method) == primary["method"] or line.method == primary["method"]]
    at = primary.get("at")
    if isinstance(at, int):
        lines = [line for line in lines if line.search_epochs in (at, None)]
    if at != "mean" and len(lines) != 1:
        return []
    if primary.get("against", "twins") == "twins":
        return [Question("twins", line.method, line.twin) for line in lines if line.twin]
    others = [line for line in table if primary["against"] in (line.method, family(line.method))
              and not (isinstance(at, int) and line.search_epochs not in (at, None))]  # fmt: skip
    found = [
        Question("pair", line.method, other.method)
        for line in lines
        for other in others
        if len({line.search_epochs, other.search_epochs} - {None}) < 2
    ]
    return found if at == "mean" or len(found) == 1 else []


def taken_out(primary: Mapping[str, Any], rows: Sequence[Mapping[str, Any]],
              fixed: Collection[str] | None = None) -> list[str]:  # fmt: skip
    """Rows that the question was about and that are gone: what is left would answer another one. `fixed`: as there."""
    primary, at = placed(primary), primary.get("at")
    return [
        row["method"]
        for row in rows
        if (fixed is None or row["method"] in fixed)
        and family(row["method"]) in (primary["method"], primary.get("against"))
        and not (isinstance(at, int) and row.get("search_epochs") not in (at, None))
    ]


def placed(primary: Mapping[str, Any]) -> Mapping[str, Any]:
    """With the data set in front of the methods' names, where it is about one of several."""
    if not (data := primary.get("data")):
        return primary
    against = primary.get("against", "twins")
    return {**primary, "method": f"{data}/{primary['method']}", "data": None,
            "against": against if against == "twins" else f"{data}/{against}"}  # fmt: skip


def name(primary: Mapping[str, Any]) -> str:
    at = primary.get("at")
    over = ", mean over snapshots" if at == "mean" else f" at {at} epochs" if at is not None else ""
    primary = placed(primary)
    against = primary.get("against", "twins")
    return f"{primary['method']} against {'its twins' if against == 'twins' else against}{over}"


def primary_pairs(sides: Sides, asked: Sequence[Question], at: object) -> Pairs | None:
    """None where there is nothing to compare. A mean over snapshots stands under the methods' names without epochs."""
    if not asked or not all(sides.same_data(one.first, one.second) for one in asked):
        return None
    first, second = asked[0].first, asked[0].second
    names = (family(first), family(second)) if at == "mean" else (first, second)
    return sides.primary([sides.pairs(question) for question in asked], names)
