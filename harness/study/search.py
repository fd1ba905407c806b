"""How architectures are found: the settings of all strategies."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_serializer, model_validator
from pydantic_core.core_schema import SerializerFunctionWrapHandler

from harness.study.bounds import COUNT, EPOCHS, TRIALS
from harness.study.model import Model
from harness.study.scores import ZERO_COST, Score

Temperature = Annotated[float, Field(gt=0)]
Beta = Annotated[float, Field(ge=0, lt=1)]  # of Adam
LATER = {  # protocols of older folders do not have these, so that they are left out at their defaults
    "one_job": False, "startup": 20, "refit": 20, "objective": "parameters", "reduction": 3,
    "temperature": (10.0, 0.1), "perturb": 0.0, "partial": 1, "edge_normalisation": False, "auxiliary_skip": 0.0,
    "auxiliary_decay": "linear", "train_alpha": True, "reading": "alpha", "tune_epochs": 1, "group": 1,
}  # fmt: skip


class Search(Model):
    """How an architecture is found. Weights follow the study's recipe, changed by `recipe` here."""

    strategy: str = "darts"
    epochs: int = Field(50, gt=0, le=EPOCHS)
    snapshots: tuple[int, ...] = ()  # epochs at which architectures are read; empty: the last
    trained: tuple[int, ...] = ()  # of the snapshots, those whose networks are trained; empty: all
    gate: str | None = None  # null: the space's first
    order: Literal[1, 2] = 1
    warmup_epochs: int = Field(0, ge=0, le=EPOCHS)  # epochs before the search's that train the weights alone
    alpha_lr: float = Field(5e-4, gt=0)
    alpha_betas: tuple[Beta, Beta] = (0.5, 0.999)
    alpha_weight_decay: float = Field(0.0, ge=0)
    alpha_noise: float = Field(0.0, ge=0)  # standard deviation of α's start
    alpha_portion: float = Field(0.5, gt=0, lt=1)  # of the training images
    temperature: tuple[Temperature, Temperature] = (10.0, 0.1)  # gumbel: of the first and of the last epoch
    perturb: float = Field(0.0, ge=0, le=1)  # SDARTS-RS: how far weights of operations are moved in the last epoch
    partial: int = Field(1, gt=0, le=COUNT)  # PC-DARTS: one channel in so many goes through the mixed operations
    edge_normalisation: bool = False  # PC-DARTS: a learned share for each edge of a node
    auxiliary_skip: float = Field(0.0, ge=0)  # DARTS−: the auxiliary skip connections' coefficient in the first epoch
    auxiliary_decay: Literal["linear", "cosine"] = "linear"  # its way to 0
    zero_one: float = Field(0.0, ge=0)  # weight of FairDARTS's zero-one loss
    early_stop: bool = False  # by the largest Hessian eigenvalue (R-DARTS)
    train_alpha: bool = True  # false: α stays as it starts
    reading: Literal["alpha", "perturbation"] = "alpha"  # what tells what is kept of the supernet
    tune_epochs: int = Field(1, ge=0, le=EPOCHS)  # perturbation: of training between two rounds of decisions
    group: int = Field(1, gt=0, le=COUNT)  # perturbation: decisions of a round
    recipe: dict[str, Any] = Field(default_factory=dict)
    candidates: int = Field(20, gt=0, le=TRIALS)  # random search and evolution: how many are scored in all
    population: int = Field(10, gt=1, le=COUNT)
    lag: int = Field(2, gt=0, le=COUNT)  # candidate i is asked after exactly the results up to i - lag
    mutation_rate: float = Field(0.1, ge=0, le=1)
    crossover_rate: float = Field(0.5, ge=0, le=1)
    tournament: int = Field(3, gt=0, le=COUNT)
    score: Score = "train"
    score_epochs: int = Field(3, gt=0, le=EPOCHS)
    startup: int = Field(20, gt=1, le=COUNT)  # TPE, predictor: how many are drawn first
    refit: int = Field(20, gt=0, le=COUNT)  # predictor: answers after which it is fitted anew
    objective: Literal["parameters", "macs", "latency"] = "parameters"  # NSGA-II, beside accuracy
    reduction: int = Field(3, gt=1, le=COUNT)  # successive halving: one in so many goes on, to as many times the epochs
    one_job: bool = False  # a whole black-box search is one job, of which a table answers every query

    @model_validator(mode="after")
    def _snapshots_lie_inside(self) -> "Search":
        if late := [epoch for epoch in self.snapshots if not 0 < epoch <= self.epochs]:
            raise ValueError(f"snapshots: {late[0]} lies outside the search's epochs 1 to {self.epochs}")
        if other := [epoch for epoch in self.trained if epoch not in self.read_at]:
            raise ValueError(f"trained: {other[0]} is none of the snapshots {', '.join(map(str, self.read_at))}")
        return self

    @model_serializer(mode="wrap")
    def _as_before(self, dumped: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what came later and is not set, so that protocols of older folders stay as they are."""
        return {
            name: value for name, value in dumped(self).items() if name not in LATER or not _same(value, LATER[name])
        }

    @property
    def zero_cost(self) -> str:
        """The zero-cost score that candidates are chosen by; '' where they are chosen by accuracy."""
        return self.score if self.score in ZERO_COST else ""

    @property
    def read_at(self) -> tuple[int, ...]:
        return tuple(sorted(set(self.snapshots))) or (self.epochs,)

    @property
    def trained_at(self) -> tuple[int, ...]:
        return tuple(sorted(set(self.trained))) or self.read_at


def _same(value: Any, default: Any) -> bool:
    """Where a list stands for a tuple too, as JSON has them."""
    return bool((tuple(value) if isinstance(value, list) else value) == default)
