"""Study → jobs with content keys and dependencies; nothing is run.

A key is the hash of a job's settings, in which other jobs stand by their keys; so every key is known before anything
runs, equal settings share one job, and any setting that decides a result changes its key.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from harness.errors import BadInput
from harness.plan import best_of, sources
from harness.plan.jobs import Plan, TableRow, check_size
from harness.plan.keys import SCHEMA, content_key
from harness.plan.methods import MethodSettings, StudySettings, TuningSettings, strategy_of
from harness.plan.planned_outside import checked
from harness.plan.settings import Settings, plain_recipe
from harness.plan.sources import Baseline, Written
from harness.plan.strategies import Found, Request, Strategy, started
from harness.plan.trained_scores import plan_scores
from harness.seeding import stream
from harness.study.data import Data
from harness.study.schema import IMAGES, Study
from harness.study.twins import COUNT
from harness.vocabulary.kinds import Kind, Role


def make(settings: StudySettings, rules: tuple[str, ...], strategies: Callable[[str], Strategy],
         seeds: Mapping[str, int] | None = None, schema: int = SCHEMA) -> Plan:  # fmt: skip
    """The plan of a study, for a space with these `rules`; `seeds` per method overrides the study's.

    `strategies` gives the function behind a strategy's name; `schema` is that of the keys.
    """
    study, plan = settings.study, Plan(schema=schema)
    for tuning in settings.tunings:
        for seed in range(tuning.tuning.seeds):
            _tune(study, tuning, seed, plan)
    found: list[tuple[Where, MethodSettings, Found]] = []
    trainings = 0
    for data in study.data_sets:
        for method in settings.methods:
            searched: list[best_of.Searched] = []
            for seed in range((seeds or {}).get(method.name, study.seeds.search)):
                here = Where(study, data, seed)
                new = list(_seek(here, method, rules, strategies, plan))
                trainings += len(new) * study.seeds.train * (1 + method.method.twins.count)
                check_size(trainings)
                found += [(here, method, one) for one in new]
                if method.method.best_of.searches:
                    searched.append(best_of.Searched(new, *_trained(here, method, plan)))
            found += [(Where(study, data, group), method, one)
                      for group, one in best_of.chosen(method, searched, plan)]  # fmt: skip
    _check_rows(found)
    for here, method, one in sorted(found, key=lambda f: f[0].seed):
        for train_seed in range(study.seeds.train):
            _train(here, method, train_seed, one, plan)
    plan_scores(settings, plan)
    _order_rows(plan, [one for _, _, one in found])
    return plan


@dataclass(frozen=True)
class Where:
    """Of which data set and repetition a job is.

    Each further data set has streams of its own, and so samples of its own. The first one's are those of a study of it
    alone, so that more data sets only add jobs.
    """

    study: Study
    data: Data
    seed: int

    @property
    def prefix(self) -> str:
        """Of the table's rows: the data set, where the study has several."""
        return f"{self.data.label}/" if len(self.study.data_sets) > 1 else ""

    @property
    def settings(self) -> Settings:
        base = base_settings(self.study, self.seed, self.data)
        if self.data == self.study.data_sets[0]:
            return base
        return {**base, "study_seed": stream(self.study.seeds.study, 0, "data", self.data.label)}


def base_settings(study: Study, seed: int, data: Data) -> Settings:
    base: Settings = {
        "space": study.space,
        "space_options": study.space_options,
        "data": data.model_dump(),
        "study_seed": study.seeds.study,
        "seed": seed,
        "test_curve": study.test_curve,
    }
    if study.task != IMAGES:
        base["task"] = study.task
    if study.table:
        base["table"] = study.table.settings(data)
    return base


def _seek(here: Where, own: MethodSettings, rules: tuple[str, ...], strategies: Callable[[str], Strategy],
          plan: Plan) -> Iterable[Found]:  # fmt: skip
    method = own.method
    request = Request(here.prefix + method.name, method.rule or rules[0], here.seed, own.search,
                      plain_recipe(own.search_recipe), here.settings, plan, method.architecture)  # fmt: skip
    name = strategy_of(own)
    return checked(list(strategies(name)(request)), name, plan)


def _train(here: Where, own: MethodSettings, train_seed: int, one: Found, plan: Plan) -> None:
    """The trainings of one architecture found, and of its twins."""
    settings, needs = _trained(here, own, plan)
    settings["train_seed"] = train_seed
    source = sources.as_source(one.source)
    role = Role.BASELINE if isinstance(source, Baseline) else Role.METHOD
    twins = own.method.twins
    twin_row = twin_name(one.row, twins.match) if twins.count else None
    searches = one.searches if isinstance(one, best_of.Chosen) else None
    plan.rows.setdefault(one.row, TableRow(one.row, role, one.rule, one.search_epochs, twin_row, searches))
    found = {**settings, "source": sources.as_json(source)}
    key = content_key({"schema": plan.schema, "kind": Kind.TRAIN, **found})
    plan.add(Kind.TRAIN, one.row, found, (*one.needs, *needs), plan.rows[one.row].role, pair=key)
    if twin_row:
        plan.rows.setdefault(twin_row, TableRow(twin_row, Role.TWIN, one.rule, one.search_epochs, best_of=searches))
        for index in range(twins.count):
            twin, required = best_of.twin_of(one, index, twins.match, plan.schema)
            plan.add(Kind.TRAIN, twin_row, {**settings, "source": sources.as_json(twin)}, (*required, *needs),
                     Role.TWIN, twin_of=one.row, pair=key)  # fmt: skip


def _trained(here: Where, own: MethodSettings, plan: Plan) -> tuple[Settings, tuple[str, ...]]:
    """How a method's networks are trained at a seed, and what that needs beside the networks."""
    settings: Settings = {**here.settings, "recipe": plain_recipe(own.recipe)}
    trials: list[str] = []
    if tuned := own.recipe.tuned:
        trials = [job.key for job in plan.jobs.values() if job.kind == Kind.TUNE and tuned in job.methods
                  and job.seed == 0]  # fmt: skip
        settings["recipe_from"] = trials
    return started(plan, settings, trials)


def _tune(study: Study, own: TuningSettings, seed: int, plan: Plan) -> None:
    """Trial i needs exactly the results up to i - lag. Of several data sets, the first is tuned on."""
    tuning = own.tuning
    spec = tuning.model_dump(exclude={"name", "seeds", "recipe", "architecture", "trials"})
    source = Written(tuning.architecture) if tuning.architecture else Baseline()
    base = base_settings(study, seed, study.data_sets[0])
    fixed = {**base, "source": sources.as_json(source), "recipe": plain_recipe(own.recipe),
             "tuning": spec, "alpha_portion": study.search.alpha_portion}  # fmt: skip
    keys: list[str] = []
    for index in range(tuning.trials):
        seen = keys[: max(0, index - tuning.lag + 1)]
        trial = {**fixed, "index": index, "seen": seen}
        keys.append(plan.add(Kind.TUNE, tuning.name, *started(plan, trial, seen)))


def twin_name(row: str, match: str) -> str:
    """The table row of the twins of `row`: `random-A@20`, or `random-A-targets@20` where more matches."""
    data, slash, method = row.rpartition("/")
    name, at, epochs = method.removeprefix("darts-").partition("@")
    kind = "" if match == COUNT else f"-{match}"
    return f"{data}{slash}random-{name}{kind}{at}{epochs}"


def _check_rows(found: Iterable[tuple[Where, MethodSettings, Found]]) -> None:
    """Raises BadInput where one row of the table would hold runs of two methods."""
    owners: dict[str, str] = {Role.PRETRAINING: "the pretraining on left-out images"}
    for _, method, one in found:
        claims = [(one.row, f"method '{method.name}'")]
        twins = method.method.twins
        claims += [(twin_name(one.row, twins.match), f"the twins of method '{method.name}'")] * bool(twins.count)
        for row, owner in claims:
            if (other := owners.setdefault(row, owner)) != owner:
                raise BadInput(f"the table row '{row}' would hold both {other} and {owner}; rename one of the methods")


def _order_rows(plan: Plan, found: list[Found]) -> None:
    """Methods in the study's order, each with its twin after it, the baseline last."""
    names = list(dict.fromkeys(one.row for one in found))
    ordered = sorted(names, key=lambda name: plan.rows[name].role == Role.BASELINE)
    pairs = [row for name in ordered for row in (name, plan.rows[name].twin) if row]
    plan.rows = {name: plan.rows[name] for name in pairs}
