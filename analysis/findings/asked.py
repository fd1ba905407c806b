"""What a study's comparisons ask: the primary question, and the family of all others, no question twice."""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.findings import primary
from analysis.results.pairs import Pairs, Question, Sides, questions, row_of
from analysis.results.rows import Results
from analysis.results.table import Line


@dataclass(frozen=True)
class Primary:
    pairs: Pairs | None
    single: Question | None  # where it is of one pair of rows
    unanswered: str  # why a question that was named has no pairs


@dataclass(frozen=True)
class Asked:
    sides: Sides
    primary: Pairs | None
    single: str | None  # the kind that the primary one would be of, were it not primary
    secondary: list[Question]
    lost: int  # questions that were planned and whose rows are gone
    unanswered: str


def asked_of(results: Results, table: Sequence[Line]) -> Asked:
    """Nothing between different data."""
    sides = Sides(results, table)
    first = _primary(results, table, sides)
    rows = {line.method: row_of(line) for line in sides.distinct()}
    gone = {row["method"]: dict(row) for row in results.taken_out}
    here, planned = questions([*rows.values()]), questions([*(rows | gone).values()])
    alone = _whichever_first(first.single) if first.single else None
    secondary = [
        question
        for question in here + sides.other_twins()
        if _whichever_first(question) != alone and sides.same_data(question.first, question.second)
    ]
    kind = first.single.kind if first.single else None
    return Asked(sides, first.pairs, kind, secondary, len(planned) - len(here), first.unanswered)


def _primary(results: Results, table: Sequence[Line], sides: Sides) -> Primary:
    wanted = results.study.get("primary") or None
    if not wanted:
        return Primary(None, None, "")
    fixed = results.first_rows
    if gone := primary.taken_out(wanted, results.taken_out, fixed):
        return Primary(None, None, f"{primary.name(wanted)}: {', '.join(gone)} was taken out")
    parts = primary.primary_questions(wanted, table, fixed)
    if pairs := primary.primary_pairs(sides, parts, wanted.get("at")):
        return Primary(pairs, parts[0] if len(parts) == 1 else None, "")
    return Primary(None, None, f"{primary.name(wanted)}: the table has no such rows, or they are of different data")


def _whichever_first(question: Question) -> tuple[str, frozenset[str]]:
    return question.kind, frozenset({question.first, question.second})
