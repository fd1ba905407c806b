"""Study → jobs with content keys and dependencies; nothing is run.

A key is the hash of a job's settings, in which other jobs stand by their keys; so every key is known before anything
runs, equal settings share one job, and any setting that decides a result changes its key.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from harness import sources
from harness.errors import BadInput
from harness.keys import SCHEMA, content_key
from harness.methods import MethodSettings, StudySettings, TuningSettings
from harness.sources import Baseline, Source, Twin, Written
from harness.study import Recipe, Search, Study
from harness.vocabulary import Kind, Role, Row

Settings = dict[str, Any]
LEFT_OUT = "left-out"  # recipe.pretrained: by the baseline, trained on as many images again that the study leaves out


@dataclass(frozen=True)
class Job:
    """A planned unit of work; `method` is the row of the table that it is for."""

    key: str
    kind: Kind
    method: str
    role: Role
    settings: Settings = field(repr=False)
    needs: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    twin_of: str | None = None
    pair: str | None = None

    @property
    def seed(self) -> int:
        return int(self.settings["seed"])

    @property
    def train_seed(self) -> int:
        return int(self.settings.get("train_seed", 0))

    @property
    def twin(self) -> int:
        return int(self.settings.get("source", {}).get("twin", 0))

    @property
    def reads(self) -> tuple[str, ...]:
        """Of the jobs that it needs, those whose weights it starts from."""
        return weights_read(self.settings)


@dataclass(frozen=True)
class TableRow:
    """A row of the comparison table, and the row of its twins."""

    method: str
    role: Role
    rule: str | None = None
    search_epochs: int | None = None
    twin: str | None = None


@dataclass
class Plan:
    """Jobs in the order in which they should start, by key; the table's rows; and the schema of the keys."""

    jobs: dict[str, Job] = field(default_factory=dict)
    rows: dict[str, TableRow] = field(default_factory=dict)
    schema: int = SCHEMA

    def add(self, kind: Kind, method: str, settings: Settings, needs: Iterable[str] = (), role: Role | None = None,
            twin_of: str | None = None, pair: str | None = None) -> str:  # fmt: skip
        """Plans a job, or adds `method` to the one with equal settings; returns its key."""
        settings = {"schema": self.schema, "kind": kind, **settings}
        key = content_key(settings)
        if (known := self.jobs.get(key)) is not None:
            self.jobs[key] = replace(known, methods=tuple(dict.fromkeys((*known.methods, method))))
        else:
            needs = tuple(dict.fromkeys(needs))
            self.jobs[key] = Job(key, kind, method, role or Role(kind), settings, needs, (method,), twin_of, pair)
        return key

    def only(self, kinds: Collection[str]) -> "Plan":
        """The jobs of these kinds and whatever they need; all where `kinds` is empty."""
        wanted = {key for key, job in self.jobs.items() if not kinds or job.kind in kinds}
        for key in reversed(self.jobs):
            wanted.update(self.jobs[key].needs if key in wanted else ())
        return Plan({key: job for key, job in self.jobs.items() if key in wanted}, self.rows, self.schema)

    def summary(self) -> list[Settings]:
        """The jobs as the report wants them, without their settings."""
        return [
            {
                "key": j.key,
                "kind": j.kind,
                "method": j.method,
                "methods": list(j.methods),
                "role": j.role,
                "seed": j.seed,
                "needs": list(j.needs),
            }
            for j in self.jobs.values()
        ]


def weights_read(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Keys of the jobs whose weights a job of these settings starts from."""
    found = settings.get("search", {}).get("supernet") or settings.get("start")
    return (found,) if found else ()


def recipe_of(settings: Mapping[str, Any]) -> Recipe:
    """What a job of these settings trains by; a score's short training has epochs of its own."""
    search = settings.get("search", {})
    epochs = {"epochs": search["score_epochs"]} if search.get("score") == "train" else {}
    return Recipe.model_validate({**settings["recipe"], **epochs})


def search_of(settings: Mapping[str, Any]) -> Search:
    """The search settings of a search or a score."""
    return Search.model_validate({n: v for n, v in settings["search"].items() if n in Search.model_fields})


def validation_portion(settings: Mapping[str, Any]) -> float | None:
    """Of the training images, the part that a job of these settings holds out; None: a final training uses all."""
    found: float | None = settings.get("search", settings).get("alpha_portion")
    return found


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


def make(settings: StudySettings, rules: tuple[str, ...], strategies: Callable[[str], Strategy],
         seeds: Mapping[str, int] | None = None, schema: int = SCHEMA) -> Plan:  # fmt: skip
    """The plan of a study, for a space with these `rules`; `seeds` per method overrides the study's.

    `strategies` gives the function behind a strategy's name; `schema` is that of the keys.
    """
    study, plan = settings.study, Plan(schema=schema)
    for tuning in settings.tunings:
        for seed in range(tuning.tuning.seeds):
            _tune(study, tuning, seed, plan)
    found: list[tuple[MethodSettings, int, Found]] = []
    for method in settings.methods:
        for seed in range((seeds or {}).get(method.name, study.seeds.search)):
            found += [(method, seed, one) for one in _seek(study, method, seed, rules, strategies, plan)]
    _check_rows(found)
    for method, seed, one in sorted(found, key=lambda f: f[1]):
        for train_seed in range(study.seeds.train):
            _train(study, method, seed, train_seed, one, plan)
    _order_rows(plan, [one for _, _, one in found])
    return plan


BASE = ("space", "space_options", "data", "study_seed", "seed", "test_curve", "task")


def base_settings(study: Study, seed: int) -> Settings:
    base = {
        "space": study.space,
        "space_options": study.space_options,
        "data": study.data.model_dump(),
        "study_seed": study.seeds.study,
        "seed": seed,
        "test_curve": study.test_curve,
    }
    return base if study.task == "images" else {**base, "task": study.task}


def _seek(study: Study, own: MethodSettings, seed: int, rules: tuple[str, ...],
          strategies: Callable[[str], Strategy], plan: Plan) -> Iterable[Found]:  # fmt: skip
    method, base = own.method, base_settings(study, seed)
    name = "baseline" if method.name == "baseline" else "given" if method.architecture else own.search.strategy
    request = Request(method.name, method.rule or rules[0], seed, own.search, plain_recipe(own.search_recipe), base,
                      plan, method.architecture)  # fmt: skip
    return strategies(name)(request)


def _train(study: Study, own: MethodSettings, seed: int, train_seed: int, one: Found, plan: Plan) -> None:
    """The trainings of one architecture found, and of its twins."""
    settings = {**base_settings(study, seed), "train_seed": train_seed, "recipe": plain_recipe(own.recipe)}
    needs = one.needs
    if tuned := own.recipe.tuned:
        trials = [job.key for job in plan.jobs.values() if job.kind == Kind.TUNE and tuned in job.methods
                  and job.seed == 0]  # fmt: skip
        settings["recipe_from"] = trials
        needs = (*needs, *trials)
    settings, needs = started(plan, settings, needs)
    source = _source(one)
    role = Role.BASELINE if isinstance(source, Baseline) else Role.METHOD
    twin_row = twin_name(one.row) if own.method.twins else None
    plan.rows.setdefault(one.row, TableRow(one.row, role, one.rule, one.search_epochs, twin_row))
    found = {**settings, "source": sources.as_json(source)}
    key = content_key({"schema": plan.schema, "kind": Kind.TRAIN, **found})
    plan.add(Kind.TRAIN, one.row, found, needs, plan.rows[one.row].role, pair=key)
    if twin_row:
        plan.rows.setdefault(twin_row, TableRow(twin_row, Role.TWIN, one.rule, one.search_epochs))
        for index in range(own.method.twins):
            twin = {**settings, "source": sources.as_json(_twin(one, index, plan.schema))}
            plan.add(Kind.TRAIN, twin_row, twin, needs, Role.TWIN, twin_of=one.row, pair=key)


def _twin(one: Found, index: int, schema: int) -> Twin:
    """Under schema 1 the whole key started a twin's stream, with precision and all; since then its row does."""
    return Twin(index, _source(one), one.rule or "", one.row if schema > 1 else None)


def _source(one: Found) -> Source:
    return one.source if isinstance(one.source, Source) else sources.from_json(one.source)


def _tune(study: Study, own: TuningSettings, seed: int, plan: Plan) -> None:
    """Trial i needs exactly the results up to i - lag."""
    tuning = own.tuning
    spec = tuning.model_dump(exclude={"name", "seeds", "recipe", "architecture", "trials"})
    source = Written(tuning.architecture) if tuning.architecture else Baseline()
    fixed = {**base_settings(study, seed), "source": sources.as_json(source), "recipe": plain_recipe(own.recipe),
             "tuning": spec, "alpha_portion": study.search.alpha_portion}  # fmt: skip
    keys: list[str] = []
    for index in range(tuning.trials):
        seen = keys[: max(0, index - tuning.lag + 1)]
        trial = {**fixed, "index": index, "seen": seen}
        keys.append(plan.add(Kind.TUNE, tuning.name, *started(plan, trial, seen)))


def plain_recipe(recipe: Recipe) -> Settings:
    """A recipe as it enters keys: where it came from is not part of it."""
    values: Settings = recipe.model_dump(exclude={"tuned"})
    return values


def twin_name(row: str) -> str:
    return "random-" + row.removeprefix("darts-")


def _check_rows(found: Iterable[tuple[MethodSettings, int, Found]]) -> None:
    """Raises BadInput where one row of the table would hold runs of two methods."""
    owners: dict[str, str] = {Role.PRETRAINING: "the pretraining on left-out images"}
    for method, _, one in found:
        claims = [(one.row, f"method '{method.name}'")]
        claims += [(twin_name(one.row), f"the twins of method '{method.name}'")] * bool(method.method.twins)
        for row, owner in claims:
            if (other := owners.setdefault(row, owner)) != owner:
                raise BadInput(f"the table row '{row}' would hold both {other} and {owner}; rename one of the methods")


def _order_rows(plan: Plan, found: list[Found]) -> None:
    """Methods in the study's order, each with its twin after it, the baseline last."""
    names = list(dict.fromkeys(one.row for one in found))
    ordered = sorted(names, key=lambda name: plan.rows[name].role == Role.BASELINE)
    pairs = [row for name in ordered for row in (name, plan.rows[name].twin) if row]
    plan.rows = {name: plan.rows[name] for name in pairs}


def described(job: Job) -> Row:
    """The part of a row that its job alone decides, but for the settings."""
    return {"schema": job.settings["schema"], "key": job.key, "kind": job.kind, "method": job.method,
            "methods": list(job.methods), "role": job.role, "twin_of": job.twin_of, "pair": job.pair,
            "needs": list(job.needs), "seed": job.seed, "train_seed": job.train_seed, "twin": job.twin}  # fmt: skip


def as_json(row: TableRow) -> Settings:
    return asdict(row)
