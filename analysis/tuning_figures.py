"""Figures of tunings. Each takes values and returns a matplotlib figure, or None where there is nothing to draw."""

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.figures import legend
from analysis.style import BLUE, FAINT, INK, canvas, looks
from analysis.tuning_study import Best, chosen, numeric

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACCURACY = "Accuracy on the α part, %"
TREES_SEED = 0  # fANOVA grows a random forest


def history(frame: pd.DataFrame) -> "Figure | None":
    """Accuracy of every trial of one tuning, pruned ones where they stopped, and the best so far of each repetition."""
    if frame["so_far"].isna().all():
        return None
    figure, (axes,) = canvas()
    styles = looks([str(seed) for seed in sorted(set(frame["seed"]))])
    for seed, own in frame.groupby("seed"):
        look = styles[str(seed)]
        done, pruned = (own[own["status"] == status] for status in ("done", "pruned"))
        dots = axes.scatter(done["number"] + 1, done["accuracy"], s=18, color=look.colour, marker=look.marker)
        dots.set_urls(_links(done))
        ends = [curve[-1] for curve in pruned["curve"]]
        axes.scatter(pruned["number"] + 1, ends, s=18, color=look.colour, marker="x", linewidths=0.8, alpha=0.6)
        axes.step(own["number"] + 1, own["so_far"], where="post", color=look.colour, linestyle=look.line,
                  label=f"repetition {seed}, best so far")  # fmt: skip
    axes.scatter([], [], s=18, color=INK, marker="x", linewidths=0.8, label="pruned")
    return _labelled(figure, axes, "Trial", ACCURACY)


def race(frame: pd.DataFrame) -> "Figure | None":
    """Best accuracy so far against trials: thin lines for repetitions, their mean per tuning thick."""
    names = list(dict.fromkeys(frame["tuning"]))
    if len(names) < 2 or frame["so_far"].isna().all():
        return None
    figure, (axes,) = canvas()
    styles = looks(names)
    for name, own in frame.groupby("tuning", sort=False):
        look, table = styles[str(name)], own.pivot_table(index="number", columns="seed", values="so_far")
        for seed in table:
            axes.step(table.index + 1, table[seed], where="post", color=look.colour, linewidth=0.7, alpha=0.5)
        mean = table.dropna().mean(axis=1)
        axes.step(mean.index + 1, mean, where="post", color=look.colour, linestyle=look.line, linewidth=2,
                  label=f"{name}, mean of {table.shape[1]}")  # fmt: skip
    axes.set_ylim(bottom=float(frame["so_far"].quantile(0.05)))
    return _labelled(figure, axes, "Trials", "Best accuracy so far on the α part, %")


def importances(studies: Mapping[int, Any]) -> dict[str, list[float]]:
    """Field → share of the accuracy's variance that it explains, by repetition (fANOVA: Hutter et al. 2014).

    Over the done trials and the fields that all of them have; repetitions with fewer than four are left out.
    """
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    out: dict[str, list[float]] = {}
    for study in studies.values():
        done = [trial for trial in study.trials if trial.state.name == "COMPLETE"]
        if len(done) < 4 or len({trial.value for trial in done}) == 1:
            continue
        found = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=TREES_SEED))
        for field, share in found.items():
            out.setdefault(field, []).append(float(share))
    return dict(sorted(out.items(), key=lambda item: -float(np.mean(item[1]))))


def importance(shares: Mapping[str, Sequence[float]]) -> "Figure | None":
    """Bars for the mean over repetitions, a dot for each."""
    if not shares:
        return None
    figure, (axes,) = canvas(height=1.0 + 0.5 * len(shares))
    fields = list(shares)[::-1]
    axes.barh(fields, [float(np.mean(shares[field])) for field in fields], color=BLUE, alpha=0.5)
    for place, field in enumerate(fields):
        axes.scatter(shares[field], np.full(len(shares[field]), place), s=18, color=INK, zorder=3)
    axes.set_xlim(0, 1.02)
    return _labelled(figure, axes, "Share of the variance explained (fANOVA)", "")


def parallel(studies: Mapping[int, Any]) -> "Figure | None":
    """Optuna's parallel coordinates over the done trials of all repetitions."""
    import matplotlib.pyplot as plt
    import optuna
    from optuna.visualization.matplotlib import plot_parallel_coordinate

    done = [trial for study in studies.values() for trial in study.trials if trial.state.name == "COMPLETE"]
    if len(done) < 2:
        return None
    together = optuna.create_study(direction="maximize")
    together.add_trials(done)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Optuna calls its plots experimental
        axes = plot_parallel_coordinate(together, target_name=ACCURACY)
    figure: Any = axes.figure
    axes.set_title("")
    for scale in figure.axes:  # one for each field, over the first axes
        scale.grid(visible=False)
        scale.spines["right"].set_visible(scale is not axes)
    for label in axes.get_xticklabels():
        label.set_rotation(0)
        label.set_horizontalalignment("center")
    plt.close(figure)
    return figure  # type: ignore[no-any-return]


def slice_(
    frame: pd.DataFrame, spans: Mapping[str, Any], fields: Sequence[str], found: Sequence[Best]
) -> "Figure | None":
    """Accuracy over two fields, the first ones in `fields` that are numbers: all trials of one tuning.

    A star marks the chosen trial of the first repetition, a cross the fitted optimum with its interval.
    """
    pair = sorted([field for field in fields if field in numeric(spans)][:2])
    both = frame[[set(pair) <= set(values) for values in frame["values"]]]
    done, rest = both[both["status"] == "done"], both[both["status"] != "done"]
    if len(pair) < 2 or done.empty:
        return None
    figure, (axes,) = canvas(height=4.6)
    x, y = (lambda part, field=field: [values[field] for values in part["values"]] for field in pair)
    axes.scatter(x(rest), y(rest), s=16, color=FAINT, marker="x", linewidths=0.8, label="pruned or failed")
    floor = float(done["accuracy"].quantile(0.4))  # so that colours tell the good ones apart
    dots = axes.scatter(x(done), y(done), c=done["accuracy"], cmap="viridis", vmin=floor, s=36, edgecolors=INK,
                        linewidths=0.4, label="done")  # fmt: skip
    dots.set_urls(_links(done))
    figure.colorbar(dots, ax=axes, label=ACCURACY, extend="min")
    top = chosen(both[both["seed"] == both["seed"].min()])
    axes.scatter(x(top), y(top), s=180, marker="*", color="#d55e00", edgecolors=INK, zorder=4, label="chosen")
    _cross(axes, [best for field in pair for best in found if best.field == field])
    for axis, field in ((axes.set_xscale, pair[0]), (axes.set_yscale, pair[1])):
        axis("log" if spans[field].log else "linear")
    return _labelled(figure, axes, pair[0], pair[1])


def _cross(axes: "Axes", found: Sequence[Best]) -> None:
    if len(found) == 2:
        x, y = found
        axes.errorbar([x.value], [y.value], xerr=[[x.value - x.low], [x.high - x.value]],
                      yerr=[[y.value - y.low], [y.high - y.value]], color="#d55e00", capsize=3, linewidth=1.4, zorder=3,
                      marker="o", markersize=4, label="fitted optimum, 95 % interval")  # fmt: skip


def _links(frame: pd.DataFrame) -> list[str]:
    return [f"../index.html#row-{key}" for key in frame["key"]]


def _labelled(figure: "Figure", axes: "Axes", x: str, y: str) -> "Figure":
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    legend(figure, axes)
    return figure
