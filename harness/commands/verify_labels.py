"""Whether the fields by which tables place a row, and comparisons pair it, are those of its settings."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from harness.plan.jobs import Job
from harness.plan.keys import content_key
from harness.storage.checks import short
from harness.vocabulary.kinds import Kind, Role
from harness.vocabulary.rows import Status


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


def other_images(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Final trainings of one data set and seed that say that they saw other images than most: these are no pairs."""
    alike = defaultdict(list)
    for row in rows:
        if row["kind"] == Kind.TRAIN and (row["status"] == Status.DONE or row.get("split") is not None):
            data = row["settings"].get("data")
            drawn = isinstance(data, Mapping) and data.get("resample")
            seeds = (row["settings"].get("study_seed"), row["seed"]) if drawn else ()
            alike[json.dumps([data, *seeds], sort_keys=True)].append(row)
    for group in alike.values():
        splits = [row.get("split") for row in group]
        usual = max(splits, key=splits.count)
        for row in group:
            if (split := row.get("split")) != usual or split is None:
                yield (f"{row['method']} seed {row['seed']} ({row['key']}): its split is {short(split)}, but "
                       f"{short(usual)} in other rows of these images")  # fmt: skip
