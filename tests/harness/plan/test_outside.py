"""What spaces and strategies from outside give is seen to be whole before it reaches a row or a protocol."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness.errors import BadInput
from harness.extend import Found, Request, ShortcutSpace, score
from harness.plan.facts import facts
from harness.plan.make import make
from harness.plan.methods import merged
from harness.run.prepare import prepare
from harness.storage.rows import latest_rows
from tests.driven import ran
from tests.studies import TINY, as_toml, tiny

WRITTEN = {"text": "vgg11 1-3"}


@dataclass(frozen=True)
class Counted:
    shortcuts: Any = 1
    long_shortcuts: Any = None


@pytest.mark.parametrize("count", [3, np.int64(3), torch.tensor(3)])
def test_counts_may_be_numbers_of_any_library(count: Any) -> None:
    found = facts(Counted(count, count))
    assert (found["shortcuts"], found["long_shortcuts"]) == (3, 3)
    assert type(found["shortcuts"]) is type(found["long_shortcuts"]) is int


@pytest.mark.parametrize("count", [True, np.True_, 1.5, float("nan"), -1, 10**30, "two", None, torch.tensor(1.0)])
def test_what_no_row_can_hold_is_named(count: Any) -> None:
    with pytest.raises(ValueError, match=r"^shortcuts of the architecture is .*; it must be a whole number from 0 on"):
        facts(Counted(count))


@pytest.mark.parametrize("given", ["vgg11 1-3", [1, 3], None])
def test_what_is_no_architecture_is_named(given: Any) -> None:
    with pytest.raises(ValueError, match="is no architecture: it has no number of shortcuts"):
        facts(given)


def planned(strategy: Callable[[Request], Any]) -> Any:
    method = [{"name": "m", "strategy": "mine:strategy", "rule": "A"}]
    return make(merged(tiny(method=method)), ("A", "B"), lambda _: strategy)


FAULTS: dict[str, tuple[Callable[[Request], Any], str]] = {
    "a number as row": (lambda ask: [Found(ask.seed, WRITTEN)], "row is 0, and no name"),  # type: ignore[arg-type]
    "no source": (lambda ask: [Found(ask.method, {"bset": []})], "source does not say where an architecture"),
    "an architecture": (lambda ask: [Found(ask.method, ShortcutSpace("vgg11").parse("vgg11 1-3"))],  # type: ignore
                        "a Shortcuts is none; write an architecture as a table with its text"),
    "the best of none": (lambda ask: [Found(ask.method, {"best": []})], "it is the best of no candidates"),
    "a number as needs": (lambda ask: [Found(ask.method, WRITTEN, 3)], "needs are 3"),  # type: ignore[arg-type]
    "an unknown job": (lambda ask: [Found(ask.method, WRITTEN, ("0" * 16,))], "which is the key of no job"),
    "the best of an unknown job": (lambda ask: [Found(ask.method, {"best": ["0" * 16]})], "the key of no job"),
    "a number as rule": (lambda ask: [Found(ask.method, WRITTEN, (), 7)], "rule is 7"),  # type: ignore[arg-type]
    "epochs as text": (lambda ask: [Found(ask.method, WRITTEN, (), "A", "five")],  # type: ignore[arg-type]
                       "search_epochs is 'five'"),
    "half an epoch": (lambda ask: [Found(ask.method, WRITTEN, (), "A", 0.5)],  # type: ignore[arg-type]
                      "search_epochs is 0.5"),
}  # fmt: skip


@pytest.mark.parametrize("what", FAULTS)
def test_a_fault_of_a_strategy_is_named(what: str) -> None:
    strategy, says = FAULTS[what]
    with pytest.raises(BadInput, match=r"^search\.strategy 'mine:strategy' yields a Found whose ") as error:
        planned(strategy)
    assert says in str(error.value)


def climbing(ask: Request) -> Iterator[Found]:
    """Without any `needs`: its sources say what they read."""
    first = score(ask, {"draw": "A", "index": 0})
    second = score(ask, {"propose": "mine:propose", "index": 1, "seen": [first]})
    yield Found(ask.method, {"best": [first, second]}, (), "A", np.int64(4))  # type: ignore[arg-type]


def test_what_a_source_reads_is_needed() -> None:
    plan = planned(climbing)
    jobs = list(plan.jobs.values())
    proposed = next(job for job in jobs if "propose" in job.settings.get("source", {}))
    trained = next(job for job in jobs if "best" in job.settings.get("source", {}) and job.seed == proposed.seed)
    assert proposed.needs == tuple(proposed.settings["source"]["seen"])
    assert trained.needs == tuple(trained.settings["source"]["best"])
    assert type(plan.rows["m"].search_epochs) is int


def misspelt(ask: Request) -> Iterator[Found]:
    yield Found(ask.method, {"best": [score(ask, {"prop": "x"})]})


class Careless(ShortcutSpace):
    """Samples with as many shortcuts as it likes."""

    def draw(self, rule: str, rng: Any, shortcuts: int | None = None) -> Any:
        return super().draw(rule, rng, 2 if shortcuts == 1 else shortcuts)


class Truthful(ShortcutSpace):
    def broken(self, architecture: Any) -> Any:
        return architecture.shortcuts == 1


class Unlabelled(ShortcutSpace):
    def alpha_labels(self) -> Any:
        return {"pairs": ["a", "b"]}


class Eleven(ShortcutSpace):
    def build(self, architecture: Any, classes: int, channels: int) -> Any:
        return super().build(architecture, classes + 1, channels)


HERE = "tests.harness.plan.test_outside"


@pytest.mark.parametrize(("changes", "says"), [
    ({"space": f"{HERE}:Unlabelled"}, "alpha_labels\\(\\) gives .*it must give a dict: array of α"),
    ({"space": f"{HERE}:Eleven"}, r"its network gives \(2, 11\) for two images of 10 classes, and no logits \(2, 10\)"),
    ({"method": [{"name": "m", "strategy": f"{HERE}:misspelt"}]}, "does not say where an architecture comes from"),
])  # fmt: skip
def test_it_is_refused_before_anything_starts(changes: dict[str, Any], says: str, tmp_path: Path) -> None:
    options = {"vgg": "vgg11", "width": 0.0625} if "space" in changes else {"width": 0.0625}
    with pytest.raises(BadInput, match=says):
        prepare(tiny(**{"space_options": options, **changes}), tmp_path, None, False, "cpu")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("space", "says"), [
    ("Careless", "asked for 1 shortcuts, the space samples 2"), ("Truthful", "broken\\(\\) gives True, and no text"),
])  # fmt: skip
def test_it_is_that_trials_failure_and_leaves_the_folder_as_it_can_be_read(
    space: str, says: str, tmp_path: Path
) -> None:
    method = [{"name": "m", "architecture": "vgg11 1-3", "rule": "A", "twins": 1}]
    options = {"vgg": "vgg11", "width": 0.0625}
    values = {**TINY, "name": "driven", "task": "harness.training.formula:stand_in", "seeds": {"search": 1}}
    study = as_toml({**values, "space": f"{HERE}:{space}", "space_options": options, "method": method})
    assert ran(tmp_path, study=study)[0] > 0
    rows = latest_rows(tmp_path / "driven").values()
    assert any(re.search(says, row["error"] or "") for row in rows)
