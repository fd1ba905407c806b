"""What the live page shows of a study: how far it is, curves of its trials, the table so far; HTML without scripts."""

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from analysis.report.tables.results import results as comparison
from analysis.results.protocol_view import Damaged
from analysis.results.rows import Results, load
from analysis.results.table import family, lines
from harness.commands import status
from harness.errors import BadInput
from harness.run.display import duration

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d31", "#7f7f7f")
WIDTH, HEIGHT = 640.0, 220.0  # of a chart
CHARTS = (  # title, kind of trial, field of its curve
    ("Training loss of final trainings", "train", "train_loss"),
    ("Validation accuracy of scores and tuning trials, %", ("score", "tune"), "val_accuracy"),
    ("Validation accuracy of searches, %", "search", "val_accuracy"),
)
TEMPLATES = Environment(loader=PackageLoader("harness.commands", ""), autoescape=True, undefined=StrictUndefined)


class Line(NamedTuple):
    """A trial's curve: points of an SVG polyline."""

    method: str
    colour: str
    points: str


class Chart(NamedTuple):
    title: str
    low: str
    high: str
    epochs: int
    lines: list[Line]

    @property
    def legend(self) -> dict[str, str]:
        """Method → colour."""
        return {line.method: line.colour for line in self.lines}


def page(folder: Path, nonce: str) -> str:
    """The whole page, which fetches `fragment` again and again."""
    return TEMPLATES.get_template("live.html").render(found=values(folder), nonce=nonce, whole=True)


def fragment(folder: Path) -> str:
    return TEMPLATES.get_template("live.html").render(found=values(folder), nonce="", whole=False)


def values(folder: Path) -> dict[str, Any]:
    """Of the template. Raises BadInput where the folder holds no study, or rows of another shape."""
    found = status.look(folder)
    try:
        results = load(folder)
    except Damaged as error:
        raise BadInput(str(error)) from None
    left = found["seconds_left"]
    ended = found["planned"] - sum(found["states"].get(state, 0) for state in ("running", "ready", "waiting", "failed"))
    return {**found, "ended": ended, "left": duration(left) if left else "", "table": comparison(lines(results)),
            "charts": [made for one in CHARTS if (made := chart(results, *one)).lines],
            "width": WIDTH, "height": HEIGHT}  # fmt: skip


def chart(results: Results, title: str, kind: str | Sequence[str], field: str) -> Chart:
    """A line for each trial of this kind that has a curve with `field`, coloured by method without its epochs."""
    kinds = [kind] if isinstance(kind, str) else kind
    trials = results.trials[results.trials["kind"].isin(kinds)]
    every = zip(trials["method"], trials["curve"], strict=True)
    named = [(family(str(method)), curve[field]) for method, curve in every if field in (curve or {})]
    colours = dict(zip(sorted({name for name, _ in named}), cycle(COLOURS), strict=False))
    values = np.concatenate([curve for _, curve in named]) if named else np.zeros(1)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    epochs = max((len(curve) for _, curve in named), default=0)
    drawn = [Line(name, colours[name], points(curve, epochs, low, high)) for name, curve in named]
    return Chart(title, f"{low:.3g}", f"{high:.3g}", epochs, drawn)


def points(curve: "np.ndarray | pd.Series", epochs: int, low: float, high: float) -> str:
    """Of a polyline: x from the first epoch to the last, y downward; what is no number is left out."""
    across, up = WIDTH / max(1, epochs - 1), HEIGHT / ((high - low) or 1.0)
    return " ".join(f"{index * across:.1f},{HEIGHT - (float(value) - low) * up:.1f}"
                    for index, value in enumerate(curve) if np.isfinite(value))  # fmt: skip
