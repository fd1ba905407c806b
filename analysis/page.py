"""The offline page: one HTML file that holds its style, its figures and the rows that every number links to."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from analysis import formats
from analysis.figures import anchor
from analysis.provenance import command, environments, provenance
from analysis.rows import Results
from analysis.style import PAGE
from analysis.table import Line

CAPTIONS = {
    "accuracy-parameters": "Test accuracy against parameters: mean over search seeds, bars one standard deviation.",
    "accuracy-shortcuts": "Test accuracy against shortcuts: mean over search seeds, bars one standard deviation.",
    "learning-curves": "Training loss of the final trainings: mean over runs, range shaded.",
    "test-curves": "Test accuracy after each epoch (recorded for this figure alone; nothing was chosen by it).",
    "search-curves": "Accuracy of the supernet on the α part of the training images during the search.",
}  # fmt: skip


def page(results: Results, table: Sequence[Line], figures: Mapping[str, str]) -> str:
    """The page as HTML. `figures` maps names to SVG texts."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(loader=PackageLoader("analysis", ""), autoescape=True, undefined=StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True)  # fmt: skip
    return environment.get_template("report.html").render(
        name=results.name, head=formats.HEAD, table=[_row(line) for line in table], groups=_groups(results, table),
        figures=[(name, CAPTIONS[name], inline(svg, name)) for name, svg in figures.items()], study=results.study,
        environments=environments(results.trials), torn=results.torn,
    )  # fmt: skip


def _row(line: Line) -> list[tuple[str, str]]:
    """Text of each cell and where it links to."""
    own, twins = anchor(line.method), anchor(line.twin) if line.twin else ""
    return list(zip(formats.cells(line), (own, own, own, own, own, twins), strict=True))


def _groups(results: Results, table: Sequence[Line]) -> list[dict[str, Any]]:
    """The rows behind each line and each line's twins, then the searches and whatever else there is."""
    out, shown = [], set()
    for method in dict.fromkeys(name for line in table for name in (line.method, line.twin) if name):
        own = results.trainings(method)
        shown |= set(own["key"])
        out.append(_group(results, method, own))
    rest = results.trials[~results.trials["key"].isin(shown)]
    out += [_group(results, f"{kind} {method}", group) for (kind, method), group in rest.groupby(["kind", "method"])]
    return out


def _group(results: Results, title: str, trials: pd.DataFrame) -> dict[str, Any]:
    return {"title": title, "anchor": anchor(title), "rows": provenance(trials, results.trials),
            "command": command(results.study, trials["key"])}  # fmt: skip


def inline(svg: str, name: str) -> str:
    """The figure for use inside the page: ids of its own, and ink and paper in the page's colours."""
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    for own in sorted(set(re.findall(r'\bid="([^"]+)"', svg)), key=len, reverse=True):
        svg = re.sub(rf'(\bid="|url\(#|href="#){re.escape(own)}(?=["\)])', rf"\g<1>{name}-{own}", svg)
    for colour, variable in PAGE.items():
        svg = svg.replace(colour, variable)
    svg = svg.replace("xlink:href", "href")
    return re.sub(r'<svg [^>]*?(viewBox="[^"]+")[^>]*>', r'<svg \1 xmlns="http://www.w3.org/2000/svg">', svg, count=1)
