"""Figures of tunings. Each takes values and returns a drawing, or None where there is nothing to draw."""

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.figures.accuracy import legend
from analysis.figures.style import BLUE, FAINT, INK, Drawing, canvas, looks
from analysis.tuning.trials import Best, chosen, numeric

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACCURACY = "Accuracy on the validation split, %"
DONE, CHOSEN, FITTED = "done", "chosen", "fitted optimum"  # marks
MEAN = "mean"  # in the place of a repetition
TREES_SEED = 0  # fANOVA grows a random forest


def history(frame: pd.DataFrame) -> Drawing | None:
    """Accuracy of every trial of one tuning, pruned ones where they stopped, and the best so far of each repetition."""
    if frame["so_far"].isna().all():
        return None
    drawn = frame[["seed", "number", "status", "accuracy", "so_far", "key"]].rename(columns={"number": "trial"})
    drawn["trial"] += 1
    pruned = frame["status"] == "pruned"
    drawn.loc[pruned, "accuracy"] = [curve[-1] for curve in frame.loc[pruned, "curve"]]
    figure, axes = canvas()
    styles = looks([str(seed) for seed in sorted(set(drawn["seed"]))])
    for seed, own in drawn.groupby("seed"):
        look = styles[str(seed)]
        done, stopped = (own[own["status"] == status] for status in ("done", "pruned"))
        dots = axes.scatter(done["trial"], done["accuracy"], s=18, color=look.colour, marker=look.marker)
        dots.set_urls(_links(done))
        axes.scatter(stopped["trial"], stopped["accuracy"], s=18, color=look.colour, marker="x", linewidths=0.8,
                     alpha=0.6)  # fmt: skip
        axes.step(own["trial"], own["so_far"], where="post", color=look.colour, linestyle=look.line,
                  label=f"repetition {seed}, best so far")  # fmt: skip
    axes.scatter([], [], s=18, color=INK, marker="x", linewidths=0.8, label="pruned")
    return Drawing(_labelled(figure, axes, "Trial", ACCURACY), drawn)


def race(frame: pd.DataFrame) -> Drawing | None:
    """Best accuracy so far against trials: thin lines for repetitions, their mean per tuning thick."""
    names = list(dict.fromkeys(frame["tuning"]))
    if len(names) < 2 or frame["so_far"].isna().all():
        return None
    drawn = pd.concat([_repetitions(own) for _, own in frame.groupby("tuning", sort=False)], ignore_index=True)
    figure, axes = canvas()
    styles = looks(names)
    for name, own in drawn.groupby("tuning", sort=False):
        look, mean = styles[str(name)], own[own["seed"] == MEAN]
        singles = own[own["seed"] != MEAN].groupby("seed")
        for _, line in singles:
            axes.step(line["trials"], line["so_far"], where="post", color=look.colour, linewidth=0.7, alpha=0.5)
        axes.step(mean["trials"], mean["so_far"], where="post", color=look.colour, linestyle=look.line, linewidth=2,
                  label=f"{name}, mean of {len(singles)}")  # fmt: skip
    axes.set_ylim(bottom=float(frame["so_far"].quantile(0.05)))
    return Drawing(_labelled(figure, axes, "Trials", "Best accuracy so far on the validation split, %"), drawn)


def _repetitions(frame: pd.DataFrame) -> pd.DataFrame:
    """The best accuracy so far of each repetition of a tuning, and their mean while all go on."""
    table = frame.pivot_table(index="number", columns="seed", values="so_far")
    lines = {**{seed: table[seed] for seed in table}, MEAN: table.dropna().mean(axis=1)}
    rows = [(frame["tuning"].iloc[0], seed, number, accuracy) for seed, line in lines.items()
            for number, accuracy in zip(line.index + 1, line, strict=True)]  # fmt: skip
    return pd.DataFrame(rows, columns=["tuning", "seed", "trials", "so_far"])


def importances(studies: Mapping[int, Any]) -> dict[str, list[float]]:
    """Field → share of the accuracy's variance that it explains by itself, by repetition (fANOVA: Hutter et al. 2014).

    Over the done trials and the fields that all of them have; repetitions with fewer than four are left out. Shares do
    not sum to one: the rest is what fields explain only together, and noise.
    """
    from optuna.exceptions import ExperimentalWarning
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    out: dict[str, list[float]] = {}
    for study in studies.values():
        done = [trial for trial in study.trials if trial.state.name == "COMPLETE"]
        if len(done) < 4 or len({trial.value for trial in done}) == 1:
            continue
        evaluator = FanovaImportanceEvaluator(seed=TREES_SEED)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            try:
                found = get_param_importances(study, evaluator=evaluator, normalize=False)
            except RuntimeError:  # no field varies
                continue
        for field, share in found.items():
            out.setdefault(field, []).append(float(share))
    return dict(sorted(out.items(), key=lambda item: -float(np.mean(item[1]))))


def importance(shares: Mapping[str, Sequence[float]]) -> Drawing | None:
    """Bars for the mean over repetitions, a dot for each."""
    if not shares:
        return None
    rows = [(field, mark, share) for field, found in list(shares.items())[::-1]
            for mark, share in [(MEAN, float(np.mean(found))), *(("repetition", one) for one in found)]]  # fmt: skip
    drawn = pd.DataFrame(rows, columns=["field", "mark", "share"])
    bars, dots = drawn[drawn["mark"] == MEAN], drawn[drawn["mark"] != MEAN]
    figure, axes = canvas(height=1.0 + 0.5 * len(shares))
    axes.barh(bars["field"], bars["share"], color=BLUE, alpha=0.5)
    axes.scatter(dots["share"], dots["field"], s=18, color=INK, zorder=3)
    axes.set_xlim(0, 1.02)
    return Drawing(_labelled(figure, axes, "Share of the variance that the field alone explains (fANOVA)", ""), drawn)


def parallel(studies: Mapping[int, Any]) -> Drawing | None:
    """Optuna's parallel coordinates over the done trials of all repetitions."""
    import matplotlib.pyplot as plt
    import optuna
    from optuna.visualization.matplotlib import plot_parallel_coordinate

    done = [trial for study in studies.values() for trial in study.trials if trial.state.name == "COMPLETE"]
    if len(done) < 2:
        return None
    drawn = pd.DataFrame([{"key": trial.user_attrs["key"], "accuracy": trial.value, **trial.params} for trial in done])
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
    return Drawing(figure, drawn)


def slice_(
    frame: pd.DataFrame, spans: Mapping[str, Any], fields: Sequence[str], found: Sequence[Best]
) -> Drawing | None:
    """Accuracy over two fields, the first ones in `fields` that are numbers: all trials of one tuning.

    A star marks the chosen trial of the first repetition, a cross the fitted optimum with its interval.
    """
    pair = sorted([field for field in fields if field in numeric(spans)][:2])
    both = frame[[set(pair) <= set(values) for values in frame["values"]]]
    if len(pair) < 2 or not (both["status"] == "done").any():
        return None
    drawn = pd.concat([_placed(both, pair), _fitted(pair, found)], ignore_index=True)
    figure, axes = canvas(height=4.6)
    x, y = pair
    rest = drawn[~drawn["mark"].isin([DONE, CHOSEN, FITTED])]
    axes.scatter(rest[x], rest[y], s=16, color=FAINT, marker="x", linewidths=0.8, label="pruned or failed")
    done = drawn[drawn["mark"].isin([DONE, CHOSEN])]
    floor = float(done["accuracy"].quantile(0.4))  # so that colours tell the good ones apart
    dots = axes.scatter(done[x], done[y], c=done["accuracy"], cmap="viridis", vmin=floor, s=36, edgecolors=INK,
                        linewidths=0.4, label="done")  # fmt: skip
    dots.set_urls(_links(done))
    figure.colorbar(dots, ax=axes, label=ACCURACY, extend="min")
    top = drawn[drawn["mark"] == CHOSEN]
    axes.scatter(top[x], top[y], s=180, marker="*", color="#d55e00", edgecolors=INK, zorder=4, label=CHOSEN)
    _cross(axes, drawn[drawn["mark"] == FITTED], pair)
    for axis, field in ((axes.set_xscale, x), (axes.set_yscale, y)):
        axis("log" if spans[field].log else "linear")
    return Drawing(_labelled(figure, axes, x, y), drawn)


def _placed(frame: pd.DataFrame, pair: Sequence[str]) -> pd.DataFrame:
    """Every trial with its values of the two fields; marks are their statuses, and one is the chosen one."""
    out = frame[["key", "status", "accuracy"]].rename(columns={"status": "mark"})
    for field in pair:
        out[field] = [float(values[field]) for values in frame["values"]]
    out.loc[chosen(frame[frame["seed"] == frame["seed"].min()]).index, "mark"] = CHOSEN
    return out


def _fitted(pair: Sequence[str], found: Sequence[Best]) -> pd.DataFrame:
    """The fitted optimum with the ends of its intervals, where both fields have one; else no row."""
    best = {one.field: one for one in found if one.field in pair}
    ends = {f"{field}{end}": getattr(one, name) for field, one in best.items()
            for end, name in (("", "value"), ("_low", "low"), ("_high", "high"))}  # fmt: skip
    return pd.DataFrame([{"mark": FITTED, **ends}] if len(best) == 2 else [])


def _cross(axes: "Axes", best: pd.DataFrame, pair: Sequence[str]) -> None:
    if best.empty:
        return
    errors = [[best[field] - best[f"{field}_low"], best[f"{field}_high"] - best[field]] for field in pair]
    axes.errorbar(best[pair[0]], best[pair[1]], xerr=errors[0], yerr=errors[1], color="#d55e00", capsize=3,
                  linewidth=1.4, zorder=3, marker="o", markersize=4, label="fitted optimum, 95 % interval")  # fmt: skip


def _links(frame: pd.DataFrame) -> list[str]:
    return [f"../index.html#row-{key}" for key in frame["key"]]


def _labelled(figure: "Figure", axes: "Axes", x: str, y: str) -> "Figure":
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    legend(figure, axes)
    return figure
