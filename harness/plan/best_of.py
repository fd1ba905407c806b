"""Best of k, as DARTS's authors report it (Liu et al. 2019, section 3.2): of every k searches the network that does
best on the validation split, trained anew. Its twins are the best of k random networks each, chosen alike."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.errors import BadInput
from harness.plan import sources
from harness.plan.jobs import Plan
from harness.plan.methods import MethodSettings
from harness.plan.settings import Settings
from harness.plan.sources import Best, BestTwin, Source, Twin
from harness.plan.strategies import Found
from harness.study.twins import COUNT
from harness.vocabulary.kinds import Kind

Keys = tuple[str, ...]


@dataclass(frozen=True)
class Searched:
    """What one search seed gave, and the settings and needs of its networks' trainings."""

    found: Sequence[Found]
    settings: Settings
    needs: Keys


@dataclass(frozen=True)
class Chosen(Found):
    """The best of `searches`; `twins`: for each of its twins the trainings that choose it."""

    searches: int = 0
    twins: tuple[Keys, ...] = ()


def chosen(own: MethodSettings, seeds: Sequence[Searched], plan: Plan) -> Iterator[tuple[int, Chosen]]:
    """(number of the group, its best) for every whole group of the method's search seeds, row by row of the table.

    Plans the trainings that choose: by the method's recipe on a part of the training images, judged on the rest.
    Raises BadInput where a strategy of one's own does not give the same rows at every seed.
    """
    size = own.method.best_of.searches
    if len({tuple(one.row for one in seed.found) for seed in seeds}) > 1:
        raise BadInput(f"method '{own.name}': its strategy finds other rows at other seeds, so that no row has a best "
                       "of several; leave best_of out")  # fmt: skip
    for number in range(len(seeds) // size if size else 0):
        group = seeds[number * size : (number + 1) * size]
        for row in zip(*(seed.found for seed in group), strict=True):
            yield number, _best(own, list(zip(row, group, strict=True)), plan)


def twin_of(one: Found, index: int, match: str, schema: int) -> tuple[Source, Keys]:
    """Where twin `index` of a network comes from, and what it needs."""
    if isinstance(one, Chosen):
        return BestTwin(one.twins[index], index, Best(one.needs), match), one.twins[index]
    return _twin(one, index, match, schema), one.needs


def named(row: str, searches: int) -> str:
    """`darts-A-best-of-4@20`."""
    method, at, epochs = row.partition("@")
    return f"{method}-best-of-{searches}{at}{epochs}"


def _best(own: MethodSettings, group: Sequence[tuple[Found, Searched]], plan: Plan) -> Chosen:
    one, twins = group[0][0], own.method.twins
    keys = tuple(_score(own, found, seed, sources.as_source(found.source), plan) for found, seed in group)
    others = tuple(
        tuple(_score(own, found, seed, _twin(found, index, twins.match, plan.schema), plan)
              for found, seed in group)
        for index in range(twins.count)
    )  # fmt: skip
    return Chosen(named(one.row, len(group)), Best(keys), keys, one.rule, one.search_epochs, len(group), others)


def _twin(one: Found, index: int, match: str, schema: int) -> Twin:
    """Under schema 1 the whole key started the stream of a twin by count, with precision and all; else its row does."""
    row = one.row.rpartition("/")[2] if schema > 1 or match != COUNT else None
    return Twin(index, sources.as_source(one.source), one.rule or "", row, match)


def _score(own: MethodSettings, one: Found, seed: Searched, source: Source, plan: Plan) -> str:
    """Plans the training that judges a network; its key."""
    search = {"score": "train", "score_epochs": own.method.best_of.epochs or own.recipe.epochs,
              "alpha_portion": own.search.alpha_portion}  # fmt: skip
    settings = {**seed.settings, "search": search, "source": sources.as_json(source)}
    return plan.add(Kind.SCORE, one.row, settings, (*one.needs, *seed.needs))
