"""A study file as values: frozen, validated, unknown keys refused."""

from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator, model_serializer, model_validator
from pydantic_core.core_schema import SerializerFunctionWrapHandler

from harness.study import range_faults
from harness.study.best_of import BestOf
from harness.study.bounds import COUNT, EPOCHS, MOST, PIXELS, SEEDS, TRIALS, plain, safe
from harness.study.data import Data, Sets, Table, labels_fault
from harness.study.model import Grown, Model, OfAFile
from harness.study.primary import Primary, primary_fault
from harness.study.scores import Scores
from harness.study.search import Search
from harness.study.twins import Twins

LEFT_OUT = "left-out"  # recipe.pretrained: by the baseline, trained on as many images again that the study leaves out
IMAGES = "images"  # task: networks are trained


class Scheduler(Grown):
    """Learning rate over the epochs. `step` below 1 is a fraction of the epochs, else a number of them.

    The first `warmup_epochs` climb to the learning rate; the schedule then runs over the epochs that are left.
    """

    LATER: ClassVar[tuple[str, ...]] = ("min_lr", "warmup_epochs")

    kind: Literal["step", "cosine", "constant"] = "constant"
    gamma: float = Field(0.1, gt=0, le=1)
    step: float = Field(0.667, gt=0)
    min_lr: float = Field(0.0, ge=0)  # to which the cosine falls
    warmup_epochs: int = Field(0, ge=0, le=EPOCHS)


class Recipe(Grown):
    """Everything that decides how a network is trained."""

    LATER: ClassVar[tuple[str, ...]] = ("nesterov", "label_smoothing")

    epochs: int = Field(150, gt=0, le=EPOCHS)
    batch_size: int = Field(64, gt=0, le=COUNT)
    lr: float = Field(0.01, gt=0)
    momentum: float = Field(0.9, ge=0, lt=1)
    nesterov: bool = False
    weight_decay: float = Field(0.0, ge=0)
    scheduler: Scheduler = Scheduler()
    label_smoothing: float = Field(0.0, ge=0, lt=1)  # of the training loss alone
    clip: float | None = Field(None, gt=0)  # of the gradient's norm
    augment: Literal["crop-flip", "crop", "none"] = "crop-flip"
    cutout: int = Field(0, ge=0, le=PIXELS)  # side of the square that is blanked, in pixels
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    pretrained: str | None = None  # "imagenet", a state dict's path from the study file on, or "left-out" (LEFT_OUT)
    pretrained_sha256: str | None = None  # of that file; null: of the file that is there
    tuned: str | None = None  # name of a [[tuning]]; what it found replaces the fields that it ranged over

    @model_validator(mode="after")
    def _fields_fit(self) -> "Recipe":
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov looks ahead along the momentum, which is 0; set momentum, or leave nesterov out")
        if self.scheduler.kind == "cosine" and self.scheduler.min_lr > self.lr:
            raise ValueError(f"scheduler.min_lr = {self.scheduler.min_lr:g} lies above lr = {self.lr:g}, from which "
                             "the cosine falls")  # fmt: skip
        if self.pretrained_sha256 and not self.pretrained:
            raise ValueError("pretrained_sha256 is of the file that pretrained names, which is left out; name it")
        return self


class Method(Grown):
    """A row of the comparison, or several: one per snapshot of its search."""

    LATER: ClassVar[tuple[str, ...]] = ("best_of", "start")

    name: str
    strategy: str | None = None  # null: the study's; the name 'baseline' is the space's baseline
    rule: str | None = None
    twins: Twins = Twins(count=0)
    best_of: BestOf = BestOf()
    search: dict[str, Any] = Field(default_factory=dict)
    recipe: dict[str, Any] = Field(default_factory=dict)
    architecture: str | None = None  # trained as it is, in its text form
    start: str | None = None  # "RESULTS:KEY": the architecture and the weights of a network that was kept there

    @field_validator("name")
    @classmethod
    def _name(cls, name: str) -> str:
        return safe(name)


class Range(Model):
    """One tuned field: `low` and `high`, or `choices`; `when` limits it to trials whose other fields have these."""

    low: float | None = None
    high: float | None = None
    log: bool = False
    integer: bool = False
    step: float | None = Field(None, gt=0)
    choices: tuple[Any, ...] = ()
    when: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _complete(self) -> "Range":
        if fault := range_faults.alone(self.model_dump()):
            raise ValueError(fault)
        return self

    @property
    def ends(self) -> tuple[Any, ...]:
        """Every choice, or the least and the largest value."""
        return self.choices or (self.low, self.high)


class Tuning(Model):
    """A search for recipe fields. Trial i is asked after exactly the results up to i - lag."""

    name: str
    sampler: Literal["tpe", "random", "grid"] = "tpe"
    trials: int = Field(40, gt=0, le=TRIALS)
    seeds: int = Field(1, gt=0, le=SEEDS)  # independent repetitions; the first one's result is the tuned recipe
    lag: int = Field(2, gt=0, le=COUNT)
    startup_trials: int = Field(10, ge=0, le=COUNT)  # drawn at random, and done before any is pruned
    candidates: int = Field(24, gt=0, le=COUNT)  # TPE: samples of the good trials' density; the likeliest is tried
    good_part: float = Field(0.15, gt=0, le=1)  # TPE: of the trials, the part that counts as good
    pruner: Literal["none", "median", "halving"] = "none"
    pruner_warmup_epochs: int = Field(1, ge=0, le=EPOCHS)
    pruner_reduction: int = Field(3, gt=1, le=COUNT)  # halving: one in so many goes on
    ranges: dict[str, Range]
    recipe: dict[str, Any] = Field(default_factory=dict)
    architecture: str | None = None  # what is trained; null: the space's baseline

    @field_validator("name")
    @classmethod
    def _name(cls, name: str) -> str:
        return safe(name)

    @field_validator("ranges")
    @classmethod
    def _typed(cls, ranges: dict[str, Range]) -> dict[str, Range]:
        """Whole where the recipe's field is, whether the study says so or not."""
        return range_faults.typed(ranges, Recipe)

    @model_validator(mode="after")
    def _ranges_fit(self) -> "Tuning":
        if fault := range_faults.together(self.model_dump()):
            raise ValueError(fault)
        return self


class Seeds(Model):
    """`search`: independent repetitions; `train`: trainings of each architecture found; `study` starts every stream."""

    search: int = Field(3, gt=0, le=SEEDS)
    train: int = Field(1, gt=0, le=SEEDS)
    study: int = Field(0, ge=0, le=MOST)


class Study(OfAFile):
    name: str
    space: str
    space_options: dict[str, Any] = Field(default_factory=dict)
    data: Sets = Data()  # several: each method runs on each of them
    table: Table | None = None  # looked up where networks would be scored or trained
    seeds: Seeds = Seeds()
    search: Search = Search()
    recipe: Recipe = Recipe()
    method: tuple[Method, ...] = ()
    tuning: tuple[Tuning, ...] = ()
    test_curve: bool = False
    keep_weights: Literal["none", "best", "all"] = "none"  # of the trained networks; decides no result, and so no key
    smallest_effect: float = Field(0.2, gt=0, lt=100)  # percentage points worth finding
    equivalence_margin: float | None = Field(None, gt=0, lt=100)  # percentage points; within it methods count as equal
    primary: Primary | None = None
    looks: tuple[int, ...] = ()  # seed counts at which `--until decided` looks
    scores: Scores = Scores()
    task: str = IMAGES  # "package.module:function" stands in for training, to test orchestration

    @model_validator(mode="before")
    @classmethod
    def _of_plain_values(cls, values: Any) -> Any:
        return plain(values)

    @field_validator("name")
    @classmethod
    def _name(cls, name: str) -> str:
        return safe(name)

    @field_validator("looks")
    @classmethod
    def _rising(cls, looks: tuple[int, ...]) -> tuple[int, ...]:
        if looks and (list(looks) != sorted(set(looks)) or looks[0] < 2 or looks[-1] > SEEDS):
            raise ValueError(f"seed counts rise, from 2 on, up to {SEEDS}")
        return looks

    @model_validator(mode="after")
    def _names_fit(self) -> "Study":
        for what, names in (("method", [m.name for m in self.method]), ("tuning", [t.name for t in self.tuning])):
            if twice := {name for name in names if names.count(name) > 1}:
                raise ValueError(f"{what}: the name '{min(twice)}' appears twice")
        for method in self.method:
            tuned = method.recipe.get("tuned", self.recipe.tuned)
            if tuned and tuned not in [tuning.name for tuning in self.tuning]:
                where = f"method '{method.name}': " * ("tuned" in method.recipe)
                raise ValueError(f"{where}recipe.tuned = '{tuned}' is no [[tuning]] of this study")
        if fault := _unread(self):
            raise ValueError(fault)
        if self.primary and (fault := primary_fault(self.primary, self.method, self.data_sets)):
            raise ValueError(f"primary: {fault}")
        if not self.method and not self.tuning:
            raise ValueError("method: a study needs at least one [[method]] or [[tuning]]")
        if fault := labels_fault(self.data_sets):
            raise ValueError(fault)
        if self.table and (fault := _table_fault(self)):
            raise ValueError(f"table: {fault}")
        if self.keep_weights != "none" and (self.table or self.task != IMAGES):
            raise ValueError("keep_weights: this study trains no networks whose weights it could keep; leave it out")
        return self

    @model_serializer(mode="wrap")
    def _as_before(self, dumped: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what came later and is not set, so that protocols of older folders stay as they are."""
        return {name: value for name, value in dumped(self).items() if name != "scores" or self.scores != Scores()}

    @property
    def data_sets(self) -> tuple[Data, ...]:
        return self.data if isinstance(self.data, tuple) else (self.data,)


def _unread(study: Study) -> str:
    """Fields of a recipe that no search or tuning reads, and would be ignored; '' where there are none."""
    said = {"epochs": "set search.epochs", "tuned": "leave it out"}
    own = ((f"method '{one.name}': search.recipe", one.search.get("recipe")) for one in study.method)
    tuned = ((f"tuning '{one.name}': recipe", {"tuned": one.recipe.get("tuned")}) for one in study.tuning)
    for where, recipe in (("search.recipe", study.search.recipe), *own, *tuned):
        if found := [name for name in said if isinstance(recipe, dict) and recipe.get(name) is not None]:
            return f"{where}.{found[0]} is of final trainings, and would be ignored; {said[found[0]]}"
    return ""


def _table_fault(study: Study) -> str:
    if study.tuning:
        return "its trainings are done, so that there is no recipe to tune; leave [[tuning]] out"
    if study.task != IMAGES:
        return "it answers in place of training, so that task would be ignored; leave task out"
    if study.table and study.table.data and len(study.data_sets) > 1:
        return f"table.data = '{study.table.data}' would answer for every data set of the study; leave it out"
    if study.seeds.train > 1:
        return "it has one answer an architecture; leave seeds.train at 1"
    return "it has no curves; leave test_curve out" if study.test_curve else ""
