"""Rows of other results folders: a trial with equal settings, and so with an equal key, need not run again."""

from collections.abc import Iterable
from pathlib import Path

from harness.plan.jobs import Plan, described
from harness.storage import networks, predictions
from harness.storage.rows import Records, latest_rows
from harness.vocabulary.rows import FINAL


def adopt(plan: Plan, folder: Path, others: Iterable[Path], book: Records,
          entry: str | None, keep: bool) -> int:  # fmt: skip
    """Appends the final rows of `others` that `plan` lacks in `folder`; returns how many.

    They become rows of its own jobs, under the protocol's `entry`; `keep`: with their networks, where these are there.

    Raises OSError where the disk is full.
    """
    have = {key for key, row in latest_rows(folder).items() if row["status"] in FINAL}
    count = 0
    for other in others:
        for key, row in latest_rows(other).items():
            if key in plan.jobs and key not in have and row["status"] in FINAL:
                predictions.take_over(folder, other, row)
                if keep:
                    networks.take_over(folder, other, row)
                book.append({**row, **described(plan.jobs[key]), "protocol": entry})
                have.add(key)
                count += 1
    return count
