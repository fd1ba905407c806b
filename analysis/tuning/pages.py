"""What tunings found: tables, figures and an offline page of their own, from Optuna studies made of the rows."""

from collections import Counter
from collections.abc import Iterator

import pandas as pd

from analysis.figures import gallery
from analysis.figures.gallery import Picture
from analysis.figures.style import Drawing, styled
from analysis.report import formats
from analysis.report.tables.table import Cell, Table, shown
from analysis.statistics.paired import Estimate
from analysis.tuning import figures
from analysis.tuning.trials import Best, Studies, best, chosen, distributions, races, trials

TOGETHER = "all together"
RACES = "Tunings against each other"
EMPTY = "–"


def rebuild(name: str, studies: Studies) -> dict[str, bytes]:
    """Every file of the tunings' page, name inside the report's folder → content. Empty without tunings."""
    if not studies:
        return {}
    found, drawn = tables(studies), pictures(studies)
    files = {file: text.encode() for file, text in _numbers(found, drawn).items()}
    return files | gallery.images("tuning", drawn) | {"tuning/index.html": _page(name, found, drawn).encode()}


def numbers(studies: Studies) -> dict[str, str]:
    """Of these files the tables and the numbers behind each figure."""
    return _numbers(tables(studies), pictures(studies)) if studies else {}


def _numbers(found: list[Table], drawn: list[Picture]) -> dict[str, str]:
    return {"tuning/tables.md": formats.markdown(found), **gallery.numbers("tuning", drawn)}


def tables(studies: Studies) -> list[Table]:
    """What every repetition chose and cost, where the fitted optimum lies, and tunings against each other."""
    frame = trials(studies)
    return shown([_outcomes(frame, list(distributions(studies))), _optima(optima(studies)), _races(frame)])


def optima(studies: Studies) -> list[Best]:
    """Of each tuning, and of all together where they train the same and range over the same fields."""
    spans = {name: distributions({name: seeds}) for name, seeds in studies.items()}
    frame = trials(studies)
    out = [one for name in studies for one in best(frame[frame["tuning"] == name], spans[name], name)]
    alike = all(span == spans[name] for span in spans.values() for name in spans) and frame["trains"].nunique() == 1
    several = len(spans) > 1 and alike
    return [*out, *best(frame, next(iter(spans.values())), TOGETHER)] if several else out


def pictures(studies: Studies) -> list[Picture]:
    """Every figure for which there are trials."""
    with styled():
        return [Picture(*words, drawing) for words, drawing in _figures(studies) if drawing is not None]


def _figures(studies: Studies) -> Iterator[tuple[tuple[str, str, str], Drawing | None]]:
    frame, found = trials(studies), optima(studies)
    yield ("race", RACES, "Best accuracy so far after equally many trials."), figures.race(frame)
    named = gallery.file_names(studies)
    for name, seeds in studies.items():
        own, shares = frame[frame["tuning"] == name], figures.importances(seeds)
        here, spans = [one for one in found if one.tuning == name], distributions({name: seeds})
        ranked = list(dict.fromkeys([*shares, *spans]))
        drawn = {
            "history": ("Every trial's accuracy, and the best so far.", figures.history(own)),
            "slice": ("Accuracy over the two fields that explain most of it.",
                      figures.slice_(own, spans, ranked, here)),
            "importance": ("How much of the accuracy's variance each field explains by itself; dots are repetitions. "
                           "The rest is what fields explain together, and noise.",
                           figures.importance(shares)),
            "parallel": ("Done trials of all repetitions, from accuracy to the fields.",
                         figures.parallel(seeds)),
        }  # fmt: skip
        for kind, (caption, drawing) in drawn.items():
            yield (f"{named[name]}-{kind}", name, caption), drawing


def _outcomes(frame: pd.DataFrame, fields: list[str]) -> Table:
    head = ("Tuning", "Repetition", "Done", "Pruned", "Failed", "Best accuracy, %", *fields, "Epochs", "Device-seconds")
    tops = {(top["tuning"], top["seed"]): top for _, top in chosen(frame).iterrows()}
    rows = []
    for (name, seed), own in frame.groupby(["tuning", "seed"], sort=False):
        counts, top = Counter(own["status"]), tops.get((name, seed))
        values = {} if top is None else top["values"]
        texts = [str(name), str(seed), *(str(counts[s]) for s in ("done", "pruned", "failed")),
                 EMPTY if top is None else f"{top['accuracy']:.2f}", *(_short(values.get(field)) for field in fields),
                 str(own["curve"].map(len).sum()), f"{own['device_seconds'].sum():.0f}"]  # fmt: skip
        rows.append(tuple(Cell(text) for text in texts))
    note = (
        "The best done trial of each repetition by accuracy on the validation split: the best of many "
        "is optimistic. No test image was read. Studies that name a tuning take the recipe of its repetition 0."
    )
    return Table("tunings", "What tuning found and cost", head, tuple(rows), note)


def _optima(found: list[Best]) -> Table:
    head = ("Tuning", "Field", "Best", "95 % interval", "Done trials")
    rows = tuple(
        tuple(Cell(text) for text in (one.tuning, one.field, _short(one.value), _interval(one), str(one.n)))
        for one in found
    )  # fmt: skip
    note = (
        "Where the surface behind the done trials is highest by kriging, with a level of its own for each repetition; "
        "the interval holds 95 % of the maxima of surfaces drawn from what the trials leave open. … marks an end that "
        "is the end of the range."
    )
    return Table("optima", "Where the best values lie", head, rows, note)


def _races(frame: pd.DataFrame) -> Table:
    head = ("Tunings", "Trials each", "Difference, points [95 %]", "Pairs", "Device-seconds, ratio")
    rows = tuple(
        tuple(Cell(text) for text in (f"{one.first} - {one.second}", str(one.trials), _difference(one.difference),
                                      str(one.difference.n), f"{one.cost_ratio:.2f}"))
        for one in races(frame)
    )  # fmt: skip
    note = "Best accuracy so far of the first minus the second, paired by repetition (same split, same start values)."
    return Table("races", RACES, head, rows, note)


def _short(value: object) -> str:
    return EMPTY if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def _interval(one: Best) -> str:
    return f"{'…' * one.cut_low}{_short(one.low)} to {_short(one.high)}{'…' * one.cut_high}"


def _difference(found: Estimate) -> str:
    if not found.n:
        return EMPTY
    ends = f" [{found.low:+.2f}, {found.high:+.2f}]" if found.low == found.low else ""
    return f"{found.value:+.2f}{ends}"


def _page(name: str, found: list[Table], drawn: list[Picture]) -> str:
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    from analysis.report.page import inline

    templates = ChoiceLoader([PackageLoader("analysis.tuning", ""), PackageLoader("analysis.report", "")])
    environment = Environment(loader=templates, autoescape=True, undefined=StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True)  # fmt: skip
    groups = {picture.group: [(p, inline(p)) for p in drawn if p.group == picture.group] for picture in drawn}
    return environment.get_template("tuning.html").render(name=name, tables=found, groups=groups)
