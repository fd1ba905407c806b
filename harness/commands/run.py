"""`nas-harness run`: runs what is missing of a study, and shows its report.

What judges and draws is imported after the checks, so that what is refused is refused sooner; and before the run, since
code on the disk may change meanwhile.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.commands import context, sessions
from harness.errors import BadInput, say
from harness.run.session import check
from harness.run.session import run as run_prepared
from harness.storage import protocol, stop
from harness.storage.folder import read_study
from harness.storage.rows import latest_rows
from harness.vocabulary.rows import Status

if TYPE_CHECKING:
    from harness.run.prepare import Prepared
    from harness.run.session import Session
    from harness.study.schema import Study


def command(options: argparse.Namespace) -> int:
    check_words(options)
    study, session = context.study(options), sessions.here(options)
    missing = run_missing(options, study, session)
    from harness.commands import report_pages

    folder = Path(options.results) / study.name
    report_pages.show([folder])
    tell(folder, missing)
    return 1 if missing else 0


def check_words(options: argparse.Namespace) -> None:
    """Raises BadInput where they contradict each other, before anything is loaded."""
    if options.max_seeds is not None and not options.until:
        raise BadInput("--max-seeds goes with --until decided; without it, set --set seeds.search=N")


def run_missing(options: argparse.Namespace, study: "Study", session: "Session") -> int:
    """Runs what the study still lacks, after every check; gives how many trials are missing or failed then."""
    study, prepared = checked(options, study, session)
    import harness.commands.report_pages  # noqa: F401

    return _until_decided(options, study, session) if options.until else run_prepared(prepared, session)


def checked(options: argparse.Namespace, study: "Study", session: "Session") -> tuple["Study", "Prepared"]:
    """The study, with the looks that `--until` makes, and as it is prepared, with the seeds of the last look: after all
    that can be checked before anything is written or reached, here or for a batch script. Raises BadInput."""
    seeds = None
    if options.until:
        from harness.commands import looks

        study, seeds = looks.fixed(Path(options.results) / study.name, study, options.max_seeds)
    prepared = context.prepared(options, study, session, seeds)
    context.confirm(options, prepared)
    check(prepared, session)
    return study, prepared


def tell(folder: Path, missing: int) -> None:
    """What a table does not show."""
    if diverged := _diverged(folder):
        say(
            f"{diverged} trials diverged, which is final: trainings count with the accuracy of "
            f"guessing, candidates are not chosen; see nas-harness status {folder}"
        )
    if missing:
        say(f"{missing} trials are missing or failed: nas-harness status {folder}")


def _diverged(folder: Path) -> int:
    """How many planned trials did: a result, which the same command would find again, and no reason for status 1."""
    rows = latest_rows(folder)
    return sum(rows.get(job["key"], {}).get("status") == Status.DIVERGED for job in read_study(folder)["plan"])


def _until_decided(options: argparse.Namespace, study: "Study", session: "Session") -> int:
    from harness.commands import looks

    session = replace(session, sequential=True)
    folder = Path(options.results) / study.name

    def once(seeds: looks.Seeds) -> int:
        return run_prepared(context.prepared(options, study, session, seeds), session)

    return looks.run_looks([method.name for method in study.method], study.looks, once, lambda: _open_rows(folder),
                           lambda: stop.reason(folder))  # fmt: skip


def _open_rows(folder: Path) -> tuple[int, list[str]]:
    """A look: how many were taken, and the methods whose comparison is still open."""
    from analysis.findings.comparisons import still_open
    from analysis.results import data_sets
    from analysis.results.rows import load
    from analysis.results.table import family, lines

    loaded = load(folder)
    looks_done, rows = still_open(loaded, lines(loaded))
    counts = len(loaded.trials), len(loaded.study["plan"])
    protocol.note(folder, protocol.Event.LOOKED, {"looks": looks_done}, *counts)
    return looks_done, [data_sets.split(family(row))[1] for row in rows]
