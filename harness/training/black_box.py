"""A black-box search of which a table answers every query: the whole loop is one job."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from harness.black_box import loop, pareto
from harness.black_box.history import Evaluated, Search
from harness.black_box.methods import propose_by
from harness.plan.resolve import facts
from harness.plan.settings import Settings
from harness.seeding import Seeds
from harness.tables import opened
from harness.tables.table import Table, score
from harness.training.epochs import Epochs
from harness.training.place import Place, Progress
from harness.vocabulary.rows import Outcome
from spaces import registry as spaces
from spaces.custom_rules import drawn_by


def job(key: str, settings: Settings, place: Place, outcome: Outcome) -> Epochs:
    """Its row is of the best architecture, and holds the history; its cost is the table's, of all queries together.

    Raises LookupError where the table lacks what the strategy asks for.
    """
    space = spaces.load(settings["space"], settings["space_options"])
    table = opened.table(settings, Path(place.home) if place.home else None)
    search = Search(space, drawn_by(space, settings["rule"]), settings["search"], Seeds.of(settings))
    history: list[Evaluated] = []
    for one in loop.searched(propose_by(search.strategy), search, settings["search"]["candidates"],
                             _answers(table, settings)):  # fmt: skip
        history.append(one)
        yield None
    cost = sum(one.cost for one in history)
    outcome.update(Outcome(path="table", split="", seconds=cost, device_seconds=cost))
    outcome["history"] = {**loop.as_json(history, table.position), **_front(history, table, search)}
    if found := loop.best(history):
        outcome.update(facts(found.architecture))
        outcome.update(Outcome(val_accuracy=found.val_accuracy, parameters=found.parameters))
    yield Progress(1, 1, cost)


def _front(history: Sequence[Evaluated], table: Table, search: Search) -> dict[str, Any]:
    """Of a search with two objectives: its Pareto front, and the hypervolume up to the table's largest cost."""
    if (name := search.settings.get("objective")) is None:
        return {}
    largest = max(getattr(entry, name) for entry in table.entries.values())
    points = [(one.val_accuracy or 0.0, getattr(one, name)) for one in history]
    best = [[number + 1, *map(loop.rounded, points[number])] for number in pareto.front(points)]
    return {"objective": name, "front": best, "hypervolume": loop.rounded(pareto.hypervolume(points, (0.0, largest)))}


def _answers(table: Table, settings: Settings) -> Callable[[Any], Evaluated]:
    spec, seeds = settings["table"], Seeds.of(settings)

    def answer(architecture: Any) -> Evaluated:
        text = str(architecture)
        entry = table.entry(text)
        said = score(entry, spec["signal"], seeds.stream("table run", spec["data"], text))
        return Evaluated(architecture, said.accuracy, said.cost_seconds, entry.parameters, latency=entry.latency)

    return answer
