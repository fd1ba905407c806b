"""Tables as booktabs tables in LaTeX."""

import re
from collections.abc import Sequence

from analysis.report.tables.table import Cell, Table

MATHS = {
    "±": "pm", "≥": "geq", "≤": "leq", "×": "times", "†": "dagger", "→": "to", "∞": "infty", "Δ": "Delta",
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "η": "eta", "θ": "theta", "κ": "kappa",
    "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho", "σ": "sigma", "τ": "tau", "φ": "phi",
    "χ": "chi", "ψ": "psi", "ω": "omega",
}  # fmt: skip
SPECIAL = {"\\": r"\textbackslash{}", "–": "--", "—": "---", "−": "$-$", "<": "$<$", ">": "$>$", "²": "$^2$",
           "…": r"\ldots{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
           **{mark: rf"\{mark}" for mark in "&%#_${}"},
           **{mark: rf"$\{name}$" for mark, name in MATHS.items()}}  # fmt: skip
OFF_PAPER = ("Verdict", "Seeds needed", "p", "p (moderated, Holm)", "Relative improvement, %")  # of a comparison


def latex(tables: Sequence[Table], study: str) -> str:
    """A booktabs table for each table, ready to \\input; needs \\usepackage{booktabs}."""
    return "\n".join(_floating(table, study) for table in tables)


def _floating(table: Table, study: str) -> str:
    compared = "Verdict" in table.head
    shown = [n for n, name in enumerate(table.head) if not (compared and name in OFF_PAPER)]
    rows = [_apart(" & ".join(_marked(row[n]) for n in shown)) + r" \\" for row in table.rows]
    if table.last_apart and len(rows) > 1:
        rows.insert(-1, r"\midrule")
    head = " & ".join(escaped(table.head[n]) for n in shown) + r" \\"
    label = re.sub(r"[^a-zA-Z0-9-]", "-", f"{study}-{table.name}")
    caption = " ".join(
        filter(None, [f"{table.title}: {study}.", _pairs(table), table.caption or table.note, _legend(table)])
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


def _pairs(table: Table) -> str:
    """n of the comparisons, for the caption."""
    if "Pairs" not in table.head or not table.rows:
        return ""
    counts = [int(row[table.head.index("Pairs")].text) for row in table.rows]
    low, high = min(counts), max(counts)
    return f"n = {low} pairs." if low == high else f"n = {low} to {high} pairs."


def _legend(table: Table) -> str:
    marks = {cell.mark for row in table.rows for cell in row}
    said = {"*": "* significant.", "†": "† significant, but exploratory."}
    return " ".join(text for mark, text in said.items() if mark in marks)


def escaped(text: str) -> str:
    """Plain text as LaTeX."""
    return "".join(SPECIAL.get(character, character) for character in text)
