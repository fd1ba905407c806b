"""`nas-harness run`: runs what is missing of a study, and shows its report."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.findings.comparisons import still_open
from analysis.results import data_sets
from analysis.results.rows import load
from analysis.results.table import family, lines
from harness.commands import context, report_pages
from harness.commands.looks import Seeds, planned_looks, run_looks
from harness.errors import BadInput
from harness.run.session import run as run_prepared
from harness.storage import protocol
from harness.storage.folder import claim, read_study
from harness.storage.rows import latest_rows
from harness.vocabulary.rows import Status

if TYPE_CHECKING:
    from harness.run.session import Session
    from harness.study.schema import Study


def command(options: argparse.Namespace) -> int:
    if options.max_seeds is not None and not options.until:
        raise BadInput("--max-seeds goes with --until decided; without it, set --set seeds.search=N")
    study, session = context.study(options), context.session(options)
    missing = _until_decided(options, study, session) if options.until else run_missing(options, study, session)
    folder = Path(options.results) / study.name
    report_pages.show([folder])
    tell(folder, missing)
    return 1 if missing else 0


def run_missing(options: argparse.Namespace, study: "Study", session: "Session") -> int:
    """Runs what the study still lacks, after every check; gives how many trials are missing or failed then."""
    prepared = context.prepared(options, study, session)
    context.confirm(options, prepared)
    return run_prepared(prepared, session)


def tell(folder: Path, missing: int) -> None:
    """What a table does not show."""
    if diverged := _diverged(folder):
        print(f"nas-harness: {diverged} trials diverged, which is final: trainings count with the accuracy of "
              f"guessing, candidates are not chosen; see nas-harness status {folder}", file=sys.stderr)  # fmt: skip
    if missing:
        print(f"nas-harness: {missing} trials are missing or failed: nas-harness status {folder}", file=sys.stderr)


def _diverged(folder: Path) -> int:
    """How many planned trials did: a result, which the same command would find again, and no reason for status 1."""
    rows = latest_rows(folder)
    return sum(rows.get(job["key"], {}).get("status") == Status.DIVERGED for job in read_study(folder)["plan"])


def _until_decided(options: argparse.Namespace, study: "Study", session: "Session") -> int:
    looks = planned_looks(study.looks, options.max_seeds)
    study, session = study.model_copy(update={"looks": looks}), replace(session, sequential=True)
    folder = Path(options.results) / study.name
    before = claim(folder, study.name)
    if before.get("sequential") and list(looks) != before["looks"]:
        raise BadInput(f"{folder}: its looks were fixed as {before['looks']}, and rows were looked at since; "
                       f"now they would be {list(looks)}")  # fmt: skip

    most = dict.fromkeys((method.name for method in study.method), looks[-1])
    context.confirm(options, context.prepared(options, study, session, most))

    def once(seeds: Seeds) -> int:
        return run_prepared(context.prepared(options, study, session, seeds), session)

    def open_rows() -> tuple[int, list[str]]:
        loaded = load(folder)
        looks_done, rows = still_open(loaded, lines(loaded))
        counts = len(loaded.trials), len(loaded.study["plan"])
        protocol.note(folder, protocol.Event.LOOKED, {"looks": looks_done}, *counts)
        return looks_done, [data_sets.split(family(row))[1] for row in rows]

    return run_looks([method.name for method in study.method], looks, once, open_rows)
