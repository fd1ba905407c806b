"""Sheets as booktabs tables in LaTeX."""

import re
from collections.abc import Sequence

from analysis.report.sheets import Cell, Sheet

OFF_PAPER = ("Verdict", "Seeds needed", "p", "p (moderated, Holm)", "Relative improvement, %")  # of a comparison


def latex(sheets: Sequence[Sheet], study: str) -> str:
    """A booktabs table for each sheet, ready to \\input; needs \\usepackage{booktabs}."""
    return "\n".join(_floating(sheet, study) for sheet in sheets)


def _floating(sheet: Sheet, study: str) -> str:
    compared = "Verdict" in sheet.head
    shown = [n for n, name in enumerate(sheet.head) if not (compared and name in OFF_PAPER)]
    rows = [_apart(" & ".join(_marked(row[n]) for n in shown)) + r" \\" for row in sheet.rows]
    if sheet.last_apart and len(rows) > 1:
        rows.insert(-1, r"\midrule")
    head = " & ".join(escaped(sheet.head[n]) for n in shown) + r" \\"
    label = re.sub(r"[^a-zA-Z0-9-]", "-", f"{study}-{sheet.name}")
    caption = " ".join(
        filter(None, [f"{sheet.title}: {study}.", _pairs(sheet), sheet.caption or sheet.note, _legend(sheet)])
    )
    return "\n".join([
        r"\begin{table}", r"\centering", r"\small", rf"\caption{{{escaped(caption)}}}",
        rf"\label{{tab:{label}}}", rf"\begin{{tabular}}{{{'l' * len(shown)}}}", r"\toprule", head, r"\midrule", *rows,
        r"\bottomrule", r"\end{tabular}", r"\end{table}", "",
    ])  # fmt: skip


def _apart(row: str) -> str:
    """The end of the row before would take a bracket or a star for its own."""
    return "{}" + row if row.startswith(("[", "*")) else row


def _marked(cell: Cell) -> str:
    return escaped(cell.text) + {"": "", "*": "$^{*}$", "†": r"$^{\dagger}$"}[cell.mark]


def _pairs(sheet: Sheet) -> str:
    """n of the comparisons, for the caption."""
    if "Pairs" not in sheet.head or not sheet.rows:
        return ""
    counts = [int(row[sheet.head.index("Pairs")].text) for row in sheet.rows]
    low, high = min(counts), max(counts)
    return f"n = {low} pairs." if low == high else f"n = {low} to {high} pairs."


def _legend(sheet: Sheet) -> str:
    marks = {cell.mark for row in sheet.rows for cell in row}
    said = {"*": "* significant.", "†": "† significant, but exploratory."}
    return " ".join(text for mark, text in said.items() if mark in marks)


def escaped(text: str) -> str:
    """Plain text as LaTeX."""
    special = {"\\": r"\textbackslash{}", "±": r"$\pm$", "–": "--", "−": "$-$", "&": r"\&", "%": r"\%", "#": r"\#",
               "_": r"\_", "$": r"\$", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
               "≥": r"$\geq$", "α": r"$\alpha$", "ρ": r"$\rho$", "γ": r"$\gamma$", "×": r"$\times$", "<": "$<$",
               ">": "$>$", "†": r"$\dagger$", "→": r"$\to$"}  # fmt: skip
    return "".join(special.get(character, character) for character in text)
