"""What a black-box strategy proposes after the rows that it has seen."""

from collections.abc import Mapping
from typing import Any

from harness.black_box.history import Evaluated, Search, proposal
from harness.black_box.methods import propose_by
from harness.plan.fitness import fitness
from harness.plan.jobs import Job
from harness.plan.sources import Asked
from harness.seeding import Seeds
from harness.vocabulary.rows import Row
from spaces import custom_rules
from spaces.space import Architecture, Space


def asked_next(source: Asked, settings: Mapping[str, Any], job: Job, rows: Mapping[str, Row],
               space: Space) -> Architecture:  # fmt: skip
    """The next architecture of the search that `settings` describe."""
    search = Search(space, custom_rules.drawn_by(space, source.rule), settings, Seeds.of(job.settings))
    seen = [_answer(rows[key], space) for key in source.seen]
    return proposal(propose_by(search.strategy), search, source.index, seen)


def _answer(row: Row, space: Space) -> Evaluated:
    """Without an architecture where none could be made for it: a mistake in a space fails that trial alone."""
    text = row["architecture"]
    return Evaluated(None if text is None else space.parse(text), fitness(row), row.get("device_seconds", 0.0),
                     row.get("parameters"), row.get("macs"), row.get("latency"))  # fmt: skip
