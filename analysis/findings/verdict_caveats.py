"""What stands against a report's verdicts: how they were planned, what they leave out, rows that cannot be right."""

from collections.abc import Iterator, Sequence

import pandas as pd

from analysis.findings.comparisons import Compared, Comparison
from analysis.findings.rules import rules
from analysis.results import protocol_view
from analysis.results.outcomes import FAILURES
from analysis.results.rows import Results
from analysis.results.table import Line
from analysis.statistics.paired import Estimate

NAMED = 5  # comparisons that are named one by one


def doubts(results: Results, table: Sequence[Line], found: Compared) -> list[str]:
    names = {name for line in table for name in (line.method, line.twin) if name}
    mine = results.trials["methods"].map(lambda methods: bool(names.intersection(methods)))
    trainings = results.trials[(results.trials["kind"] == "train") & mine]
    return [
        *_planning(results, found),
        *_refused(results, found),
        *_failures(trainings, found),
        *_rows(results, trainings),
    ]


def _planning(results: Results, found: Compared) -> Iterator[str]:
    if not results.preregistered:
        why = (
            "several folders were put together, which no protocol planned" if len(results.protocols) > 1
            else "nothing was fixed before the first row"
        )  # fmt: skip
        yield f"Not preregistered: {why}; all comparisons are exploratory."
    elif not results.study.get("primary"):
        yield "The study names no primary comparison: all comparisons are exploratory."
    if found.unanswered:
        yield f"The primary comparison cannot be made: {found.unanswered}."
    if results.taken_out:
        yield (
            "Taken out of the study after they were planned or trained: "
            f"{', '.join(str(row['method']) for row in results.taken_out)}. Their {found.lost} comparisons count in "
            "the family, each with p = 1."
        )
    if looks := rules(results).unplanned:
        yield (
            f"The rows were looked at {looks} time{'s' * (looks > 1)} before they were complete, which was not planned "
            "(a change of seeds, twins or planned looks after rows were there is such a look). Adjusted p is "
            f"multiplied by {looks + 1}."
        )
    for taken in protocol_view.reused(results.protocols):
        yield f"{taken}: comparisons with them are exploratory, for they may have been seen before all was fixed."
    if results.replaced:
        yield (
            f"Finished trainings of {', '.join(results.replaced)} are of no job any more: settings were changed, or "
            "seeds left out, after they were there. What stands in their place was chosen with them known."
            f"{' All comparisons are exploratory.' if results.preregistered else ''}"
        )
    if results.added:
        yield f"Added after rows were there: {', '.join(sorted(results.added))}; comparisons with them are exploratory."
    if changes := [change for protocol in results.protocols for change in protocol.changed]:
        yield f"Changed after rows were there: {', '.join(changes)}. What was fixed first counts."


def _refused(results: Results, found: Compared) -> Iterator[str]:
    refused = [c for c in found.every if c.refused and c.kind != "gain"]
    for c in refused[:NAMED]:
        seeds = ", ".join(f"{seed:.0f}" for seed in c.refused)
        yield f"{c.method} and {_second(c)} saw different images at seed {seeds}: these are no pairs, and are left out."
    if len(refused) > NAMED:
        yield f"{len(refused) - NAMED} more comparisons leave out seeds at which their sides saw different images."
    if results.trials.loc[results.trials["kind"] == "train", "data"].nunique() > 1:
        yield "Methods that were trained on different data are not compared with each other."


def _failures(trainings: pd.DataFrame, found: Compared) -> Iterator[str]:
    failed = trainings[trainings["status"].isin(FAILURES)]
    if failed.empty:
        return
    said = ", ".join(f"{n} {status}" for status, n in failed["status"].value_counts().sort_index().items())
    unknown = int(failed["chance"].isna().sum())
    counted = f"with the accuracy of guessing ({', '.join(f'{c:g} %' for c in sorted(set(failed['chance'].dropna())))})"
    yield (
        f"Trainings without a number: {said}. Means leave them out"
        f"{', which may flatter a method' if unknown else f'; comparisons count them {counted}'}."
    )
    if (failed["status"] == "failed").any():
        yield "The same command runs failed trainings again: until then comparisons with them are exploratory."
    if unknown:
        yield (
            f"{unknown} of them could not be counted in comparisons: the number of classes is unknown; study.json may "
            "hold it as chance, the accuracy of guessing in percent."
        )
    touched = [c for c in found.every if c.without is not None and c.kind in ("primary", "twins")]
    for c in touched[:NAMED]:
        if c.without is not None and c.without.n:
            yield (
                f"{c.method} minus {_second(c)} is {_interval(c.difference)} with failures counted, and "
                f"{_interval(c.without)} (n = {c.without.n}) without them: no verdict rests on the latter."
            )


def _rows(results: Results, trainings: pd.DataFrame) -> Iterator[str]:
    invalid = trainings[trainings["status"] == "invalid"]
    for key, error in list(zip(invalid["key"], invalid["error"], strict=True))[:NAMED]:
        yield f"Row {key}: {error}; it counts as failed."
    if len(invalid) > NAMED:
        yield f"{len(invalid) - NAMED} more rows are done without a percentage as accuracy; they count as failed."
    accuracies = trainings.loc[trainings["status"] == "done", "test_accuracy"]
    if len(accuracies) and accuracies.max() <= 1:
        yield f"Every test accuracy is at most {accuracies.max():g}: this looks like a fraction, not a percentage."
    if results.conflicts:
        yield f"Keys with several finished rows that differ, of which the last counts: {'; '.join(results.conflicts)}."


def _second(c: Comparison) -> str:
    return "its twins" if c.pairs.twins else c.against


def _interval(found: Estimate) -> str:
    ends = f" [{found.low:+.2f}, {found.high:+.2f}]" if found.low == found.low else ""
    return f"{found.value:+.2f}{ends}".replace("-", "−")
