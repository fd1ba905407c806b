"""What `analysis` says of drawn studies: of the pairs of each, and of results folders as runs leave them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.findings.comparisons import Comparison, compared
from analysis.findings.family_tests import Judged, judge
from analysis.findings.rules import Rules
from analysis.results.rows import load
from analysis.results.table import lines
from analysis.statistics.equivalence import tost
from harness.storage import protocol

RULES = Rules(alpha=0.05, smallest=0.2, looks=(), margin=0.2)
OPEN, BETTER, WORSE, EQUAL = 0, 1, -1, 2  # verdicts on a first method beside a second one

Samples = Mapping[str, np.ndarray]  # method → accuracies, one a seed


@dataclass(frozen=True)
class Drawn:
    """Accuracies [seeds] of two sides, as far as `judge` looks at `Pairs`: tables would take most of the time."""

    own: np.ndarray
    other: np.ndarray

    @property
    def differences(self) -> pd.Series:
        return pd.Series(self.own - self.other)


def primary(own: np.ndarray, other: np.ndarray) -> np.ndarray:
    """A verdict for each study of accuracies [studies, seeds], whose primary question these two methods are."""
    return np.array([_verdicts([pair], alone=True)[0] for pair in map(Drawn, own, other)])


def family(studies: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Verdicts [studies, pairs] where all pairs of a study are its secondary questions."""
    asked = zip(*(map(Drawn, own, other) for own, other in studies), strict=True)
    return np.array([_verdicts(pairs) for pairs in asked])


def _verdicts(asked: Sequence[Drawn], alone: bool = False) -> list[int]:
    found = judge(asked, RULES, alone=alone)  # type: ignore[arg-type]
    return [_verdict(one, pair, len(asked)) for pair, one in zip(asked, found, strict=True)]


def _verdict(found: Judged, pair: Drawn, size: int) -> int:
    if found.significant:
        return BETTER if found.estimate.value > 0 else WORSE
    p = tost(pair.own, pair.other, RULES.margin or 0, RULES.alpha).p
    return EQUAL if p * size <= RULES.alpha else OPEN


def of_folder(folder: Path) -> tuple[int, list[int]]:
    """The verdicts that a report of a results folder gives: on its primary question, and on all other pairs."""
    results = load(folder)
    found = compared(results, lines(results))
    if found.primary is None:
        raise ValueError(f"{folder}: {found.unanswered or 'no primary question'}")
    return _said(found.primary), [_said(pair) for pair in found.pairs if pair is not found.primary]


def _said(found: Comparison) -> int:
    if found.significant:
        return BETTER if found.difference.value > 0 else WORSE
    return EQUAL if found.equivalence <= RULES.alpha else OPEN


def write(folder: Path, samples: Samples) -> Path:
    """A finished study of these accuracies [seeds] by method; primary is the first method against the second."""
    first, second, *_ = samples
    methods = [{"method": name, "twin": None, "role": "method", "rule": None, "search_epochs": None}
               for name in samples]  # fmt: skip
    fixed = {"primary": {"method": first, "against": second}, "alpha": RULES.alpha, "rows": methods, "looks": [],
             "smallest_effect": RULES.smallest, "equivalence_margin": RULES.margin}  # fmt: skip
    rows = [_row(name, seed, value) for name, values in samples.items() for seed, value in enumerate(values.tolist())]
    plan = [{name: row[name] for name in ("key", "kind", "method", "role", "seed", "needs")} for row in rows]
    study = {"name": folder.name, "data": {"name": "cifar100"}, "plan": plan, **fixed}
    folder.mkdir(parents=True)
    (folder / "study.json").write_text(json.dumps(study))
    protocol.settle(folder, fixed, 0, len(plan))
    (folder / "trials.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def _row(method: str, seed: int, accuracy: float) -> dict[str, Any]:
    return {"key": f"{method} {seed}", "kind": "train", "method": method, "role": "method", "seed": seed,
            "train_seed": 0, "twin": 0, "needs": [], "status": "done", "split": "one",
            "test_accuracy": accuracy}  # fmt: skip
