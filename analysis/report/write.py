"""The report of results folders: tables, figures with their numbers, and one offline page, made from the rows."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from analysis.findings.collect import Findings
from analysis.findings.rules import rules
from analysis.report import data_files, formats, latex, output
from analysis.report.tables import images, over_data_sets
from analysis.report.tables.analyses import columns, records
from analysis.report.tables.listed import report_tables
from analysis.report.tables.table import Table


def write(found: Findings, folder: Path, out: Path | None = None,
          more: Mapping[str, bytes] = MappingProxyType({})) -> Path:  # fmt: skip
    """Writes the report into `out`, by default `report/` in the results folder; returns where.

    `more`: further files of it. Raises Refused where a file of something else stands in the way.
    """
    out = out or home(folder)
    output.put(out, {**rebuild(found), **more}, _own(folder, out))
    return out


def check(folder: Path, out: Path | None = None) -> None:
    """Raises Refused where `write` would for any rows: nothing needs to be read then."""
    out = out or home(folder)
    output.refuse(out, (*output.FIXED, output.MANIFEST), output.earlier(out, _own(folder, out)))


def text(found: Findings) -> str:
    """The table, the comparison with twins and what weakens them, for the terminal."""
    parts = [found.results.name]
    parts += [_titled(table) for table in report_tables(found) if table.main]
    parts += ["\n".join(f"! {caveat}" for caveat in found.caveats)]
    return "\n\n".join(part.rstrip() for part in parts if part) + "\n"


def _titled(table: Table) -> str:
    """With its title where it is one of several tables."""
    return f"{table.title}\n{formats.text(table)}" if "-" in table.name else formats.text(table)


def rebuild(found: Findings) -> dict[str, bytes]:
    """Every file of the report, name inside its folder → content; on one machine, equal rows give equal bytes."""
    from analysis.figures import gallery
    from analysis.report.page import page

    drawn = gallery.pictures(found)
    files = {name: encoded(text) for name, text in (tables(found) | gallery.numbers("figures", drawn)).items()}
    files |= gallery.images("figures", drawn) | data_files.files(found.results)
    return files | {"index.html": encoded(page(found, drawn))}


def encoded(text: str) -> bytes:
    """A folder's name may hold bytes that are no text."""
    return text.encode(errors="backslashreplace")


def numbers(found: Findings) -> dict[str, str]:
    """Of these files the tables and the numbers behind each figure: what the rows say, whatever draws it. Data files,
    which may be left out where a report is kept, only where they are there."""
    from analysis.figures import gallery

    data = data_files.kept(found.results, home(found.results.folders[0]))
    return tables(found) | gallery.numbers("figures", gallery.pictures(found)) | data


def tables(found: Findings) -> dict[str, str]:
    """File name → the tables in that form."""
    made, fixed = report_tables(found), rules(found.results)
    by_image = images.files(found.images, found.networks)
    over = [*over_data_sets.records(found.over)] if found.over else []
    return {
        **({"over-data-sets.csv": formats.table_of(over, (), digits=5)} if over else {}),
        "table.txt": "\n".join(f"{table.title}\n\n{formats.text(table)}" for table in made),
        "table.md": formats.markdown(made),
        "table.csv": formats.comma_separated(found.table, found.twins),
        "comparisons.csv": formats.every_comparison(found.compared.every, lambda c: columns(c, fixed)),
        "analyses.csv": formats.table_of(records(found.several), ("question", "analysis"), digits=5),
        **{name: formats.table_of(each, (), digits=5) for name, each in by_image.items()},
        "table.tex": latex.latex([table for table in made if table.paper], found.results.name),
    }


def home(folder: Path) -> Path:
    """Where the report of a results folder lies."""
    return folder / "report"


def _own(folder: Path, out: Path) -> bool:
    return out.resolve() == home(folder).resolve()
