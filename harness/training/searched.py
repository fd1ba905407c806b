"""A whole black-box search of which a table answers every query."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from harness.black_box import loop, pareto
from harness.black_box.history import Evaluated, Search
from harness.black_box.methods import propose_by
from harness.plan.facts import facts
from harness.plan.settings import Settings
from harness.seeding import Seeds
from harness.tables.table import Table, score
from harness.vocabulary.rows import Outcome, Status
from spaces.custom_rules import drawn_by
from spaces.space import Space


def outcome(settings: Settings, space: Space, table: Table) -> Outcome:
    """Of the best architecture, with the history; the cost is the table's, of all queries together.

    Raises LookupError where the table lacks what the strategy asks for.
    """
    search = Search(space, drawn_by(space, settings["rule"]), settings["search"], Seeds.of(settings))
    queries, answer = settings["search"]["candidates"], partial(_answer, table, settings["table"], search.seeds)
    history = list(loop.searched(propose_by(search.strategy), search, queries, answer))
    cost = sum(one.cost for one in history)
    found = loop.best(history)  # a table has an accuracy of each
    return Outcome(status=Status.DONE, error=None, seconds=cost, device_seconds=cost, val_accuracy=found.fitness,
                   parameters=found.parameters, **latency(found.latency), **facts(found.architecture),
                   history={**loop.as_json(history, table.position), **_front(history, table, search)})  # fmt: skip


def latency(seconds: float | None) -> Outcome:
    """What a row says of a network's latency, where the table has one."""
    return Outcome() if seconds is None else Outcome(latency=seconds)


def _answer(table: Table, spec: Settings, seeds: Seeds, architecture: Any) -> Evaluated:
    text = str(architecture)
    entry = table.entry(text)
    said = score(entry, spec["signal"], seeds.stream("table run", spec["data"], text))
    return Evaluated(architecture, said.accuracy, said.cost_seconds, entry.parameters, latency=entry.latency)


def _front(history: Sequence[Evaluated], table: Table, search: Search) -> dict[str, Any]:
    """Of a search with two objectives: its Pareto front, and the hypervolume up to the table's largest cost."""
    if (name := search.settings.get("objective")) is None:
        return {}
    largest = max(getattr(entry, name) for entry in table.entries.values())
    points = [(one.fitness or 0.0, getattr(one, name)) for one in history]
    best = [[number + 1, *map(loop.rounded, points[number])] for number in pareto.front(points)]
    return {"objective": name, "front": best, "hypervolume": loop.rounded(pareto.hypervolume(points, (0.0, largest)))}
