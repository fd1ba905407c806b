"""Whether the fields by which tables place a row are those of its settings, of which its key is the hash."""

from collections.abc import Iterator, Mapping
from typing import Any

from harness.plan.jobs import Job
from harness.plan.keys import content_key
from harness.storage.checks import short
from harness.vocabulary.kinds import Kind, Role


def misplaced(row: Mapping[str, Any], job: Job) -> Iterator[str]:
    """A line for each; `job` is the row's own, its settings those that the key was made from. A row of before, that
    lacks one of the fields, is no fault."""
    expected = {"kind": job.settings["kind"], "seed": job.seed, "train_seed": job.train_seed, "twin": job.twin}
    if job.kind == Kind.TRAIN and job.role != Role.PRETRAINING:
        expected["pair"] = _pair(job)
    for name, value in expected.items():
        if row.get(name, value) != value:
            yield f"its {name} is {short(row[name])}, but {short(value)} by its settings"


def _pair(job: Job) -> str:
    """The key of the network itself, or of the one that a twin matches."""
    source = job.settings["source"]
    return content_key({**job.settings, "source": source["of"]}) if "of" in source else job.key
