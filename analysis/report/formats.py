"""Sheets as text, Markdown and booktabs LaTeX; the table's numbers as CSV. Cells know nothing of any format."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence

from analysis.findings.comparisons import Comparison
from analysis.numbers import significant
from analysis.report.sheets import Sheet
from analysis.results.aggregate import NOTHING
from analysis.results.table import Line

STATUSES = ("failed", "diverged", "disconnected")


def text(sheet: Sheet) -> str:
    return f"{_tabulated(sheet, 'simple')}\n"


def markdown(sheets: Sequence[Sheet]) -> str:
    parts = (f"### {sheet.title}\n\n{_tabulated(sheet, 'github')}\n\n{sheet.note}\n" for sheet in sheets)
    return "\n".join(parts)


def _tabulated(sheet: Sheet, style: str) -> str:
    from tabulate import tabulate

    body = [[cell.text for cell in row] for row in sheet.rows]
    return str(tabulate(body, headers=sheet.head, tablefmt=style, disable_numparse=True))


def comma_separated(lines: Sequence[Line], twins: Mapping[str, Comparison]) -> str:
    """Every quantity of every line to ten digits: mean, std, n, its own and its twins', and the paired difference."""
    out = io.StringIO()
    records = [dict(_flat(line, twins.get(line.method))) for line in lines]
    writer = csv.DictWriter(
        out, list(dict.fromkeys(name for record in records for name in record)), lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(records)
    return out.getvalue()


def _flat(line: Line, against: Comparison | None) -> Iterator[tuple[str, object]]:
    yield from (
        ("method", line.method),
        ("role", line.role),
        ("rule", line.rule),
        ("search_epochs", line.search_epochs),
    )
    yield from (("runs_planned", line.state.planned), ("runs_done", line.state.done))
    yield from ((f"runs_{status}", line.state.troubles.get(status, 0)) for status in STATUSES)
    for prefix, cells in (("", line.cells), ("twin_", line.twin_cells)):
        for name in line.cells:
            if prefix and name == "cost":
                continue
            spread, unit = cells.get(name, NOTHING), "_device_seconds" if name == "cost" else ""
            yield f"{prefix}{name}{unit}_mean", _plain(spread.mean)
            yield f"{prefix}{name}{unit}_std", _plain(spread.std)
            yield f"{prefix}{name}{unit}_n", spread.n
    yield "std_between_searches", _plain(line.parts.between) if line.parts else ""
    yield "std_between_trainings", _plain(line.parts.within) if line.parts else ""
    yield "twin", line.twin
    if against:
        found = against.difference
        values = {"difference": found.value, "difference_low": found.low, "difference_high": found.high,
                  "difference_p": found.p, "difference_p_holm": against.adjusted, "hedges_g": against.effect,
                  "relative_improvement": against.improvement.value}  # fmt: skip
        yield from ((name, _plain(value)) for name, value in values.items())
        yield from (("pairs", found.n), ("seeds_needed", against.needed), ("verdict", against.verdict))


def _plain(value: float) -> str:
    return significant(value, 10)


def latex(sheets: Sequence[Sheet], study: str) -> str:
    """A booktabs table for each sheet, ready to \\input; needs \\usepackage{booktabs}."""
    return "\n".join(_floating(sheet, study) for sheet in sheets)


def _floating(sheet: Sheet, study: str) -> str:
    rows = [" & ".join(escaped(cell.text) for cell in row) + r" \\" for row in sheet.rows]
    if sheet.last_apart and len(rows) > 1:
        rows.insert(-1, r"\midrule")
    columns = "".join("p{0.22\\linewidth}" if name == "Verdict" else "l" for name in sheet.head)
    head = " & ".join(escaped(name) for name in sheet.head) + r" \\"
    label = re.sub(r"[^a-zA-Z0-9-]", "-", f"{study}-{sheet.name}")
    return "\n".join([
        r"\begin{table}", r"\centering", r"\small", rf"\caption{{{escaped(f'{sheet.title}: {study}. {sheet.note}')}}}",
        rf"\label{{tab:{label}}}", rf"\begin{{tabular}}{{{columns}}}", r"\toprule", head, r"\midrule", *rows,
        r"\bottomrule", r"\end{tabular}", r"\end{table}", "",
    ])  # fmt: skip


def escaped(text: str) -> str:
    """Plain text as LaTeX."""
    special = {"\\": r"\textbackslash{}", "±": r"$\pm$", "–": "--", "−": "$-$", "&": r"\&", "%": r"\%", "#": r"\#",
               "_": r"\_", "$": r"\$", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
               "≥": r"$\geq$", "α": r"$\alpha$", "ρ": r"$\rho$", "γ": r"$\gamma$", "×": r"$\times$", "<": "$<$",
               ">": "$>$"}  # fmt: skip
    return "".join(special.get(character, character) for character in text)
