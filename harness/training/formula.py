"""A formula in place of training, so that orchestration is tested and measured in seconds.

A study with `task = "package.module:function"` calls function(settings, epoch) → {"value": percent} for every epoch
of every job; `settings` are the job's, resolved.
"""

import json
import time
from collections.abc import Mapping
from functools import partial
from math import isfinite
from typing import Any

import numpy as np

from harness.plan.facts import facts
from harness.plan.settings import Settings, search_of
from harness.plan.tuning import prunes
from harness.seeding import stream
from harness.storage.checks import short
from harness.training import supernets
from harness.training.continued import begin, leave
from harness.training.epochs import Epochs, Steps, epochs
from harness.training.place import Place
from harness.vocabulary.kinds import SUPERNETS, Kind
from harness.vocabulary.rows import Outcome, Status
from spaces import registry as spaces
from spaces.plugins import function_fault, imported


def function(task: str) -> Any:
    """Behind the name of a study's `task`. Raises ValueError where it is no function of a job's settings and epoch."""
    return imported(task, f"task '{task}' is unknown; leave it out to train networks",
                    function_fault("settings", "epoch"))  # fmt: skip


class Formula:
    """Epochs of a formula; what it has done so far is its whole state."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.function = function(settings["task"])
        self.values: list[float] = []

    @property
    def epochs(self) -> int:
        if self.settings["kind"] in SUPERNETS:
            return int(self.settings["search"]["epochs"])
        if self.settings["kind"] == Kind.SCORE:
            return int(self.settings["search"]["score_epochs"])
        return int(self.settings["recipe"]["epochs"])

    def steps(self, number: int) -> Steps:
        yield
        self.values.append(_percentage(self.function(self.settings, number), self.settings["task"]))
        return {"train_loss": 0.0, "lr": 0.0, "val_accuracy": self.values[-1]}

    def state(self) -> dict[str, Any]:
        return {"values": json.dumps(self.values)}

    def restore(self, state: dict[str, Any]) -> None:
        self.values = json.loads(state["values"])


def _percentage(answer: Any, task: str) -> float:
    """What a row can hold as an accuracy; NaN and infinity are of what diverged. Raises ValueError."""
    if not isinstance(answer, Mapping) or "value" not in answer:
        raise ValueError(f"task '{task}' gives {short(answer)}; it must give {{\"value\": an accuracy in percent}}")
    value = answer["value"]
    number = None if isinstance(value, str | bytes | bool) or value is None else float(value)
    if number is None or (isfinite(number) and not 0 <= number <= 100):
        raise ValueError(f"task '{task}' gives {short(value)} as value, which is no percentage from 0 to 100")
    return number


def job(key: str, settings: Settings, place: Place, outcome: Outcome) -> Epochs:
    """Rows of a formula have the shape of real ones; a search's α are drawn from its stream."""
    work = Formula(settings)
    space = spaces.load(settings["space"], settings["space_options"])
    recipe = {**settings["recipe"], **({"epochs": work.epochs} if settings["kind"] == Kind.SCORE else {})}
    outcome.update(Outcome(recipe=recipe, path="formula", precision="fp32", split=""))
    if settings["kind"] in SUPERNETS:
        outcome["snapshots"] = {}
    if text := settings.get("architecture"):
        outcome.update(facts(space.parse(text)))
    before = begin(work, settings, place)
    claim = yield from epochs(key, work, place, outcome, partial(_after, work, space), before)
    leave(work.state, key, place, claim)
    if settings["kind"] == Kind.TRAIN:
        outcome["test_accuracy"] = work.values[-1]
    else:
        outcome["val_accuracy"] = work.values[-1]


def _after(work: Formula, space: Any, number: int, outcome: Outcome) -> bool:
    settings = work.settings
    if settings["kind"] in SUPERNETS and number in settings["search"]["snapshots"]:
        outcome["snapshots"][str(number)] = _alpha(space, settings, number)
    pruned = prunes(settings, number, work.values[-1])
    outcome["status"] = Status.PRUNED if pruned else Status.DONE
    return pruned


def _alpha(space: Any, settings: Settings, number: int) -> dict[str, Any]:
    """Random α of the supernet's shapes, without a torch generator's state."""
    rng = np.random.default_rng(stream(settings["study_seed"], settings["seed"], "formula", number))
    supernet = supernets.built(space, 10, 3, search_of(settings))
    return {name: rng.normal(size=tuple(alpha.shape)).tolist() for name, alpha in supernet.alphas.items()}


def stand_in(settings: Settings, epoch: int) -> dict[str, float]:
    """A number that depends on the seeds and the architecture alone; takes `recipe.lr` seconds an epoch."""
    time.sleep(settings["recipe"]["lr"])
    seed = stream(settings["study_seed"], settings["seed"], str(settings.get("architecture")), epoch)
    return {"value": 50 + seed % 5000 / 100}
