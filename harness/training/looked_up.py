"""Scores, whole searches and final trainings of which a table has the answer: no network is built, the cost is the
table's."""

from collections.abc import Callable
from pathlib import Path

from harness.plan.facts import facts
from harness.plan.settings import Settings
from harness.seeding import stream
from harness.storage import provenance
from harness.tables import opened
from harness.tables.table import Answer, judged, score
from harness.training import searched
from harness.training.epochs import Epochs
from harness.training.place import Place, Progress
from harness.vocabulary.kinds import Kind
from harness.vocabulary.rows import Outcome, Status
from spaces import registry as spaces
from spaces.space import Space

SEEN = "the search had seen every run by which this network is judged"


def outcome(settings: Settings, space: Space, home: Path | None) -> Outcome:
    """The row of the job, as far as the table knows it. The run that a search sees depends on seeds and cell alone."""
    now = provenance.now()
    try:
        found = _found(settings, space, home)
    except Exception as error:
        found = Outcome(status=Status.FAILED, error=f"{type(error).__name__}: {error}"[:2000])
    return Outcome(path="table", split="", started=now, finished=now, **found)


def _found(settings: Settings, space: Space, home: Path | None) -> Outcome:
    table, spec = opened.table(settings, home), settings["table"]
    if settings["kind"] == Kind.BLACK_BOX:
        return searched.outcome(settings, space, table)
    architecture = space.parse(settings["architecture"])
    entry = table.entry(str(architecture))
    number: Callable[[int], int] = lambda seed: stream(  # noqa: E731
        settings["study_seed"], seed, "table run", spec["data"], str(architecture)
    )
    if settings["kind"] == Kind.SCORE:
        answer = score(entry, spec["signal"], number(settings["seed"]))
        accuracy = Outcome(val_accuracy=answer.accuracy)
    else:
        answer = judged(entry, spec["signal"], list(map(number, settings["seen_at"])))
        accuracy = Outcome(test_accuracy=answer.accuracy, warnings=[SEEN] if answer.seen else [])
    return Outcome(status=Status.DONE, error=None, parameters=entry.parameters, **searched.latency(entry.latency),
                   **_cost(answer), **accuracy, **facts(architecture))  # fmt: skip


def _cost(answer: Answer) -> Outcome:
    return Outcome(seconds=answer.cost_seconds, device_seconds=answer.cost_seconds)


def job(key: str, settings: Settings, place: Place, said: Outcome) -> Epochs:
    """As a job that is trained, for whoever runs it alone."""
    space = spaces.load(settings["space"], settings["space_options"])
    said.update(outcome(settings, space, Path(place.home) if place.home else None))
    yield Progress(1, 1, said.get("seconds", 0.0))
