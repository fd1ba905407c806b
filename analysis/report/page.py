"""The offline page: one HTML file that holds its style, its figures and the rows that every number links to."""

import re
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import pandas as pd

from analysis.figures.accuracy import anchor
from analysis.figures.gallery import Picture
from analysis.figures.style import PAGE
from analysis.findings.collect import Findings
from analysis.report.provenance import command, environments, provenance
from analysis.report.tables.listed import report_tables
from analysis.report.tables.table import Cell, Table
from analysis.results.rows import Results


def page(found: Findings, pictures: Sequence[Picture]) -> str:
    """The page as HTML."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(loader=PackageLoader("analysis.report", ""), autoescape=True, undefined=StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True)  # fmt: skip
    environments_, places = environments(found.results.trials)
    twins = {(line.method, line.twin) for line in found.table if line.twin}
    grouped = [(title, [(p, inline(p)) for p in group]) for title, group in groupby(pictures, lambda p: p.group)]
    return environment.get_template("report.html").render(
        name=found.results.name, tables=[_linked(table, twins) for table in report_tables(found)], figures=grouped,
        caveats=found.caveats, practices=found.practices, methods=found.methods, families=_families(found, places),
        environments=environments_, start=found.results.study.get("command"),
        tuned=bool((found.results.trials["kind"] == "tune").any()),
    )  # fmt: skip


def _linked(table: Table, twins: set[tuple[str, str]]) -> dict[str, Any]:
    """The table with each cell's text and the place on the page that it links to."""
    return {"table": table, "rows": [[(cell.text, _place(cell, twins)) for cell in row] for row in table.rows]}


def _place(cell: Cell, twins: set[tuple[str, str]]) -> str:
    if not cell.methods:
        return ""
    pair = len(cell.methods) == 2 and cell.methods in twins
    return anchor(cell.methods[0]).replace("rows-", "pair-", 1) if pair else anchor(cell.methods[0])


def _families(found: Findings, places: pd.Series) -> list[dict[str, Any]]:
    """The rows behind each line and its twins, then the searches and whatever else there is."""
    out, shown = [], set()
    for line in found.table:
        groups = [(name, found.results.trainings(name)) for name in (line.method, line.twin) if name]
        shown |= {key for _, trials in groups for key in trials["key"]}
        out.append({"anchor": anchor(line.method).replace("rows-", "pair-", 1),
                    "groups": [_group(found.results, places, *group) for group in groups]})  # fmt: skip
    rest = found.results.trials[~found.results.trials["key"].isin(shown)]
    groups = [(f"{kind} {method}", trials) for (kind, method), trials in rest.groupby(["kind", "method"])]
    return [*out, {"anchor": "rest", "groups": [_group(found.results, places, *group) for group in groups]}]


def _group(results: Results, places: pd.Series, title: str, trials: pd.DataFrame) -> dict[str, Any]:
    return {"title": title, "anchor": anchor(title), "rows": provenance(trials, places),
            "command": command(results, trials)}  # fmt: skip


def inline(picture: Picture) -> str:
    """The figure for use inside the page: ids of its own, and ink and paper in the page's colours."""
    svg = picture.images["svg"].decode()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    own = set(re.findall(r'\bid="([^"]+)"', svg))
    svg = re.sub(
        r'(\bid="|url\(#|href="#)([^")]+)(?=["\)])',
        lambda m: f"{m[1]}{picture.name}-{m[2]}" if m[2] in own else m[0],
        svg,
    )
    for colour, variable in PAGE.items():
        svg = svg.replace(colour, variable)
    svg = svg.replace("xlink:href", "href").replace("<a ", '<a tabindex="-1" ')  # the tables lead to the same rows
    return re.sub(r'<svg [^>]*?(viewBox="[^"]+")[^>]*>', r'<svg \1 xmlns="http://www.w3.org/2000/svg">', svg, count=1)
