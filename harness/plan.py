"""Study → jobs with content keys and dependencies; nothing is run.

A key is the hash of a job's settings, in which other jobs stand by their keys; so every key is known before anything
runs, equal settings share one job, and any setting that decides a result changes its key.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from harness.errors import BadInput
from harness.keys import SCHEMA, content_key

Settings = dict[str, Any]
PRETRAINING = "pretraining"  # the row and the role of trainings that others start from
LEFT_OUT = "left-out"  # recipe.pretrained: by the baseline, trained on as many images again that the study leaves out


@dataclass(frozen=True)
class Job:
    """A planned unit of work; `method` is the row of the table that it is for."""

    key: str
    kind: str  # search | train | score | tune
    method: str
    role: str
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
    role: str
    rule: str | None = None
    search_epochs: int | None = None
    twin: str | None = None


@dataclass
class Plan:
    """Jobs in the order in which they should start, by key; the table's rows; and the schema of the keys."""

    jobs: dict[str, Job] = field(default_factory=dict)
    rows: dict[str, TableRow] = field(default_factory=dict)
    schema: int = SCHEMA

    def add(self, kind: str, method: str, settings: Settings, needs: Iterable[str] = (), **more: Any) -> str:
        """Plans a job, or adds `method` to the one with equal settings; returns its key."""
        settings = {"schema": self.schema, "kind": kind, **settings}
        key = content_key(settings)
        if (known := self.jobs.get(key)) is not None:
            self.jobs[key] = replace(known, methods=tuple(dict.fromkeys((*known.methods, method))))
        else:
            role = more.pop("role", kind)
            needs = tuple(dict.fromkeys(needs))
            self.jobs[key] = Job(key, kind, method, role, settings, needs, (method,), **more)
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
    training = {**base, "data": {**base["data"], LEFT_OUT: True}, "train_seed": 0, "source": {"baseline": True},
                "recipe": {**recipe, "pretrained": None}}  # fmt: skip
    key = plan.add("train", PRETRAINING, training, role=PRETRAINING)
    return {**settings, "start": key}, (*needs, key)


@dataclass(frozen=True)
class Found:
    """Where the architecture of one table row comes from: what a strategy gives."""

    row: str
    source: Settings
    needs: tuple[str, ...] = ()
    rule: str | None = None
    search_epochs: int | None = None


@dataclass(frozen=True)
class Request:
    """What a strategy is asked for: architectures for `method`, in repetition `seed`."""

    method: str
    rule: str
    seed: int
    search: Any  # harness.study.Search
    recipe: Settings  # of the weights during the search
    base: Settings  # space, data and seeds, as every job's settings begin
    plan: Plan
    architecture: str | None = None


Strategy = Callable[[Request], Iterable[Found]]


def make(study: Any, rules: tuple[str, ...], strategies: Callable[[str], Strategy],
         seeds: Mapping[str, int] | None = None, schema: int = SCHEMA) -> Plan:  # fmt: skip
    """The plan of a validated Study, for a space with these `rules`; `seeds` per method overrides the study's.

    `strategies` gives the function behind a strategy's name; `schema` is that of the keys.
    """
    plan = Plan(schema=schema)
    for tuning in study.tuning:
        for seed in range(tuning.seeds):
            _tune(study, tuning, seed, plan)
    found: list[tuple[Any, int, Found]] = []
    for method in study.method:
        for seed in range((seeds or {}).get(method.name, study.seeds.search)):
            found += [(method, seed, one) for one in _seek(study, method, seed, rules, strategies, plan)]
    for method, seed, one in sorted(found, key=lambda f: f[1]):
        for train_seed in range(study.seeds.train):
            _train(study, method, seed, train_seed, one, plan)
    _check_rows(found)
    _order_rows(plan, [one for _, _, one in found])
    return plan


BASE = ("space", "space_options", "data", "study_seed", "seed", "test_curve", "task")


def base_settings(study: Any, seed: int) -> Settings:
    base = {
        "space": study.space,
        "space_options": study.space_options,
        "data": study.data.model_dump(),
        "study_seed": study.seeds.study,
        "seed": seed,
        "test_curve": study.test_curve,
    }
    return base if study.task == "images" else {**base, "task": study.task}


def _seek(study: Any, method: Any, seed: int, rules: tuple[str, ...], strategies: Callable[[str], Strategy],
          plan: Plan) -> Iterable[Found]:  # fmt: skip
    search = method.sought_by(study)
    name = "baseline" if method.name == "baseline" else "given" if method.architecture else search.strategy
    recipe = plain_recipe(search.weights_by(study))
    rule = method.rule or rules[0]
    base = base_settings(study, seed)
    return strategies(name)(Request(method.name, rule, seed, search, recipe, base, plan, method.architecture))


def _train(study: Any, method: Any, seed: int, train_seed: int, one: Found, plan: Plan) -> None:
    """The trainings of one architecture found, and of its twins."""
    recipe = method.trained_by(study)
    settings = {**base_settings(study, seed), "train_seed": train_seed, "recipe": plain_recipe(recipe)}
    needs = one.needs
    if recipe.tuned:
        trials = [job.key for job in plan.jobs.values() if job.kind == "tune" and recipe.tuned in job.methods
                  and job.seed == 0]  # fmt: skip
        settings["recipe_from"] = trials
        needs = (*needs, *trials)
    settings, needs = started(plan, settings, needs)
    baseline = "baseline" in one.source
    twin_row = twin_name(one.row) if method.twins else None
    plan.rows.setdefault(one.row, TableRow(one.row, "baseline" if baseline else "method", one.rule,
                                           one.search_epochs, twin_row))  # fmt: skip
    own = {**settings, "source": one.source}
    key = content_key({"schema": plan.schema, "kind": "train", **own})
    plan.add("train", one.row, own, needs, role=plan.rows[one.row].role, pair=key)
    for index in range(method.twins):
        source = {"twin": index, "of": one.source, "rule": one.rule}
        if plan.schema > 1:  # before, the whole key started a twin's stream, with precision and all
            source["row"] = one.row
        plan.add(
            "train", twin_name(one.row), {**settings, "source": source}, needs, role="twin", twin_of=one.row, pair=key
        )
    if twin_row:
        plan.rows.setdefault(twin_row, TableRow(twin_row, "twin", one.rule, one.search_epochs))


def _tune(study: Any, tuning: Any, seed: int, plan: Plan) -> None:
    """Trial i needs exactly the results up to i - lag."""
    spec = tuning.model_dump(exclude={"name", "seeds", "recipe", "architecture"})
    recipe = plain_recipe(tuning.tried_by(study))
    keys: list[str] = []
    for index in range(tuning.trials):
        seen = keys[: max(0, index - tuning.lag + 1)]
        source = {"text": tuning.architecture} if tuning.architecture else {"baseline": True}
        trial = {"tuning": {k: v for k, v in spec.items() if k != "trials"}, "index": index, "seen": seen}
        settings = {**base_settings(study, seed), "source": source, "recipe": recipe, **trial,
                    "alpha_portion": study.search.alpha_portion}  # fmt: skip
        keys.append(plan.add("tune", tuning.name, *started(plan, settings, seen)))


def plain_recipe(recipe: Any) -> Settings:
    """A recipe as it enters keys: where it came from is not part of it."""
    values: Settings = recipe.model_dump(exclude={"tuned"})
    return values


def twin_name(row: str) -> str:
    return "random-" + row.removeprefix("darts-")


def _check_rows(found: Iterable[tuple[Any, int, Found]]) -> None:
    """Raises BadInput where one row of the table would hold runs of two methods."""
    owners = {PRETRAINING: "the pretraining on left-out images"}
    for method, _, one in found:
        claims = [(one.row, f"method '{method.name}'")]
        claims += [(twin_name(one.row), f"the twins of method '{method.name}'")] * bool(method.twins)
        for row, owner in claims:
            if (other := owners.setdefault(row, owner)) != owner:
                raise BadInput(f"the table row '{row}' would hold both {other} and {owner}; rename one of the methods")


def _order_rows(plan: Plan, found: list[Found]) -> None:
    """Methods in the study's order, each with its twin after it, the baseline last."""
    names = list(dict.fromkeys(one.row for one in found))
    ordered = sorted(names, key=lambda name: plan.rows[name].role == "baseline")
    pairs = [row for name in ordered for row in (name, plan.rows[name].twin) if row]
    plan.rows = {name: plan.rows[name] for name in pairs}


def described(job: Job) -> Settings:
    """The part of a row that its job alone decides, but for the settings."""
    return {"schema": job.settings["schema"], "key": job.key, "kind": job.kind, "method": job.method,
            "methods": list(job.methods), "role": job.role, "twin_of": job.twin_of, "pair": job.pair,
            "needs": list(job.needs), "seed": job.seed, "train_seed": job.train_seed, "twin": job.twin}  # fmt: skip


def as_json(row: TableRow) -> Settings:
    return asdict(row)
