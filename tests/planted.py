"""Searches whose best architecture is known: accuracy counts the choices that are as planted."""

from collections.abc import Sequence

from harness.black_box import loop
from harness.black_box.history import Evaluated, Search
from harness.black_box.methods import fields, propose_by
from harness.seeding import Seeds, stream
from harness.study.search import Search as Settings


def searched(strategy, evaluate, queries, space, rule, seed=0, **settings) -> list[Evaluated]:
    """The whole history of a search, one query at a time unless `lag` says otherwise."""
    read = Settings(strategy=strategy, **{"lag": 1, **settings})
    search = Search(space, rule, {name: getattr(read, name) for name in fields(strategy)}, Seeds(0, seed, 0))
    return list(loop.searched(propose_by(strategy), search, queries, evaluate))


def matching(space, rule, planted: Sequence[int]):
    """Evaluates by the part of the choices that are as planted, in percent; parameters count the choices made."""

    def evaluate(architecture) -> Evaluated:
        numbers = space.encode(architecture, rule)
        same = sum(one == other for one, other in zip(numbers, planted, strict=True))
        return Evaluated(architecture, 100 * same / len(planted), 1.0, sum(map(bool, numbers)) + 1)

    return evaluate


def value(text: str) -> int:
    """Of an architecture, whatever the space is."""
    return stream(0, 0, text) % 9000


def plain_wins(settings, epoch):
    """As a task in place of training: worse with Nesterov's momentum, and with warm-up epochs."""
    recipe = settings["recipe"]
    return {"value": 60.0 - 10 * recipe.get("nesterov", False) - recipe["scheduler"].get("warmup_epochs", 0)}


def ranked(settings, epoch):
    """As a task in place of training: better with every epoch, but ranks never change."""
    return {"value": value(str(settings.get("architecture"))) / 100 + min(epoch, 50) / 10}
