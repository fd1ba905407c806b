"""Search strategies: which jobs find a method's architectures. A strategy plans jobs and runs none.

One of your own is a function from a `Request` to `Found`s, named in a study as `package.module:function`; it
plans with `supernet` and `score`, and may have candidates proposed by a function of its own (docs/extending.md).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from harness.black_box.methods import METHODS, fields
from harness.errors import BadInput, explained
from harness.plan import sources
from harness.plan.halving import rungs
from harness.plan.jobs import Plan
from harness.plan.settings import Settings
from harness.plan.sources import Asked, Baseline, Best, Evolved, Ranked, Read, Sampled, Source, Winner, Written
from harness.study.schema import LEFT_OUT
from harness.study.search import Search
from harness.vocabulary.kinds import Kind, Role
from spaces.gates import uniform


def started(plan: Plan, settings: Settings, needs: Iterable[str]) -> tuple[Settings, tuple[str, ...]]:
    """`settings` and `needs` with the training that a pretrained start on left-out images comes from, if they ask."""
    recipe = settings["recipe"]
    if recipe["pretrained"] != LEFT_OUT:
        return settings, tuple(needs)
    base = {name: settings[name] for name in BASE if name in settings}
    training = {**base, "data": {**base["data"], LEFT_OUT: True}, "train_seed": 0,
                "source": sources.as_json(Baseline()), "recipe": {**recipe, "pretrained": None}}  # fmt: skip
    key = plan.add(Kind.TRAIN, Role.PRETRAINING, training, role=Role.PRETRAINING)
    return {**settings, "start": key}, (*needs, key)


@dataclass(frozen=True)
class Found:
    """Where the architecture of one table row comes from: what a strategy gives."""

    row: str
    source: Source | Mapping[str, Any]  # as JSON where a strategy from outside gives it
    needs: tuple[str, ...] = ()
    rule: str | None = None
    search_epochs: int | None = None


@dataclass(frozen=True)
class Request:
    """What a strategy is asked for: architectures for `method`, in repetition `seed`."""

    method: str
    rule: str
    seed: int
    search: Search
    recipe: Settings  # of the weights during the search
    base: Settings  # space, data and seeds, as every job's settings begin
    plan: Plan
    architecture: str | None = None


Strategy = Callable[[Request], Iterable[Found]]

BASE = ("space", "space_options", "data", "study_seed", "seed", "test_curve", "task", "table")

DARTS = ("epochs", "gate", "order", "warmup_epochs", "alpha_lr", "alpha_betas", "alpha_weight_decay", "alpha_noise",
         "alpha_portion", "temperature", "perturb", "partial", "edge_normalisation", "auxiliary_skip",
         "auxiliary_decay", "zero_one", "early_stop", "train_alpha")  # fmt: skip
SCORE = ("score", "score_epochs", "gate", "alpha_portion")
DRAWING = ("random", "successive-halving", *METHODS)  # these need rules that architectures can be drawn by
EVOLVE = ("population", "lag", "mutation_rate", "crossover_rate", "tournament")


def strategy(name: str) -> Strategy:
    """The function behind a strategy's name. Raises BadInput."""
    if name in STRATEGIES:
        return STRATEGIES[name]
    from spaces.plugins import function_fault, imported

    try:
        unknown = f"search.strategy '{name}' is unknown; there are {', '.join(STRATEGIES)}"
        found: Strategy = imported(name, unknown, function_fault("request"))
    except ValueError as error:
        raise BadInput(str(error)) from None
    return explained(f"search.strategy '{name}'")(lambda request: list(found(request)))


def darts(ask: Request) -> Iterable[Found]:
    """One bilevel search (Liu et al. 2019), read at its snapshots; methods with equal settings share it.

    Only networks of the snapshots in `trained` are trained. By perturbation it is read after its last epoch.
    """
    key = supernet(ask)
    if ask.search.reading == "perturbation":
        yield _perturbed(ask, key)
        return
    for epoch in ask.search.trained_at:
        yield Found(f"{ask.method}@{epoch}", Read(key, ask.rule, epoch), (key,), ask.rule, epoch)


def _perturbed(ask: Request, key: str) -> Found:
    """What is kept of the finished supernet where choice by choice is decided in it (DARTS-PT, Wang et al. 2021)."""
    last = ask.search.epochs
    settings = {name: getattr(ask.search, name) for name in (*DARTS, "tune_epochs", "group")}
    settings |= {"snapshots": [last], "supernet": key, "rule": ask.rule}
    reading = _plan(ask, Kind.PERTURBATION, settings, (key,), ask.method)
    return Found(f"{ask.method}@{last}", Read(reading, ask.rule, last), (reading, key), ask.rule, last)


def random_draw(ask: Request) -> Iterable[Found]:
    """One architecture of the rule, sampled uniformly (Li & Talwalkar 2019: the baseline that searches must beat)."""
    yield Found(ask.method, Sampled(ask.rule), (), ask.rule)


def random_search(ask: Request) -> Iterable[Found]:
    """`candidates` uniform samples, each scored on the validation split; the best is trained (Li & Talwalkar 2019).

    Its budget is candidates × score_epochs epochs on the training split. It equals that of a search of as many
    epochs. Scored inside a supernet, it costs that supernet's epochs and none of its own.
    """
    return _queries(ask, lambda index, _: Sampled(ask.rule, index), lag=ask.search.candidates)


def evolution(ask: Request) -> Iterable[Found]:
    """Genetic search (`harness.black_box.genetic`)."""
    spec = {name: getattr(ask.search, name) for name in EVOLVE}
    return _queries(ask, lambda index, seen: Evolved(spec, ask.rule, index, seen), ask.search.lag)


def black_box(ask: Request) -> Iterable[Found]:
    """A search by a function of `harness.black_box`."""
    return _queries(ask, lambda index, seen: Asked(_read(ask), ask.rule, index, seen), ask.search.lag)


def _queries(ask: Request, source: Callable[[int, tuple[str, ...]], Source], lag: int) -> Iterable[Found]:
    """The best of `candidates` architectures. The i-th has the `source` of i and of the jobs up to i - lag."""
    if ask.search.one_job:
        yield _whole(ask)
        return
    shared = _shared(ask)
    keys: list[str] = []
    for index in range(ask.search.candidates):
        seen = tuple(keys[: max(0, index - lag + 1)])
        keys.append(score(ask, source(index, seen), seen, shared))
    yield Found(ask.method, Best(tuple(keys), ask.search.zero_cost), tuple(keys), ask.rule)


def successive_halving(ask: Request) -> Iterable[Found]:
    """`candidates` uniform samples are trained for `score_epochs` epochs; one in `reduction` goes on from there to as
    many times the epochs, and so on; the best of the last rung is found (Jamieson & Talwalkar 2016).

    Schedules are those of a training of all of a rung's epochs. With a constant learning rate it makes no difference
    to have been trained from the start.
    """
    search, trained = ask.search, 0
    keys: list[str] = []
    before: tuple[str, ...] = ()
    for count, epochs in rungs(search.candidates, search.score_epochs, search.reduction):
        here = replace(ask, search=search.model_copy(update={"score_epochs": epochs}))
        made: list[Source] = [Ranked(place, before, trained) if before else Sampled(ask.rule, place)
                              for place in range(count)]  # fmt: skip
        before, trained = tuple(score(here, source, before) for source in made), epochs
        keys += before
    yield Found(ask.method, Best(before), tuple(keys), ask.rule)


def _read(ask: Request, *more: str) -> Settings:
    """What the strategy reads of the search's settings."""
    return {name: getattr(ask.search, name) for name in (*fields(ask.search.strategy), *more)}


def _whole(ask: Request) -> Found:
    """The whole search as one job."""
    settings = {**ask.base, "rule": ask.rule, "recipe": ask.recipe, "search": _read(ask, "candidates")}
    key = ask.plan.add(Kind.BLACK_BOX, ask.method, settings)
    return Found(ask.method, Winner(key), (key,), ask.rule)


def baseline(ask: Request) -> Iterable[Found]:
    """The space's own network without anything searched."""
    yield Found(ask.method, Baseline())


def written(ask: Request) -> Iterable[Found]:
    """An architecture written in the study."""
    yield Found(ask.method, Written(ask.architecture or ""), (), ask.rule)


STRATEGIES: dict[str, Strategy] = {
    "darts": darts,
    "random": random_draw,
    "random-search": random_search,
    "evolution": evolution,
    **dict.fromkeys((name for name in METHODS if name not in ("random-search", "evolution")), black_box),
    "successive-halving": successive_halving,
    "baseline": baseline,
    "given": written,
}


def supernet(ask: Request) -> str:
    """Plans the bilevel search of these settings, or finds it planned; its key."""
    settings = {name: getattr(ask.search, name) for name in DARTS}
    settings["snapshots"] = list(ask.search.read_at)
    if ask.search.gate == uniform.GATE:
        settings["rule"] = ask.rule  # by which paths are sampled
    return _plan(ask, Kind.SEARCH, settings, (), "darts")


def _shared(ask: Request) -> str | None:
    """The supernet in which candidates are scored without training of their own, or None."""
    return supernet(ask) if ask.search.score == "supernet" else None


def score(ask: Request, source: Source | Settings, needs: tuple[str, ...] = (), supernet: str | None = None) -> str:
    """Plans the scoring of the architecture that comes from `source`: by a short training, inside `supernet`, or by a
    zero-cost score; its key.

    `source` is a Source, or as JSON `{"draw": rule, "index": i}`, `{"text": architecture}`, or
    `{"propose": "package.module:function", "index": i, "seen": keys, …}`, where function(source, rows of `seen`,
    space, random.Random) gives the architecture.
    """
    settings = {name: getattr(ask.search, name) for name in SCORE}
    if supernet:
        settings["supernet"] = supernet
        needs = (*needs, supernet)
    known = sources.as_source(source)  # raises ValueError before anything is planned
    named = set(needs)
    needs = (*needs, *(key for key in sources.keys_of(known) if key not in named))
    return _plan(ask, Kind.SCORE, settings, needs, ask.method, sources.as_json(known))


def _plan(ask: Request, kind: Kind, search: Settings, needs: tuple[str, ...], label: str,
          source: Settings | None = None) -> str:  # fmt: skip
    base = {name: value for name, value in ask.base.items() if name != "table" or _looked_up(kind, search)}
    settings = {**base, "search": search, "recipe": ask.recipe, **({"source": source} if source else {})}
    return ask.plan.add(kind, label, *started(ask.plan, settings, needs))


def _looked_up(kind: Kind, search: Settings) -> bool:
    """Whether a table that the study names answers the job; a supernet is trained, and what is scored in it, and
    zero-cost scores are of the network itself."""
    return kind == Kind.SCORE and search["score"] == "train"
