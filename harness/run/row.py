"""The row of a job that has ended, or that a table answered."""

from collections.abc import Mapping
from typing import Any, cast

from harness.plan.jobs import Job, described
from harness.plan.settings import RESOLVED, Settings
from harness.storage import provenance
from harness.storage.row_fields import unwritable
from harness.vocabulary.rows import EMPTY, Row, Status


def new_row(job: Job, settings: Settings, outcome: Mapping[str, Any], entry: str | None) -> Row:
    """`entry`: hash of the protocol's last one, where the study is preregistered."""
    resolved = {name: settings[name] for name in RESOLVED if name in settings}
    return cast(Row, {**EMPTY, **described(job), "host": provenance.host(), **outcome, **provenance.here(),
                      "protocol": entry, "settings": {**resolved, **job.settings}})  # fmt: skip


def readable_row(job: Job, settings: Settings, outcome: Mapping[str, Any], entry: str | None) -> Row:
    """As `new_row`; that of a failed trial where code from outside gave what no command could read again."""
    found = new_row(job, settings, outcome, entry)
    if not (fault := unwritable(found)):
        return found
    error = f"what it gave cannot be kept: {fault}"
    return new_row(job, {}, {"status": Status.FAILED, "error": error}, entry)
