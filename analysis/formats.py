"""The table as text, Markdown, CSV and booktabs LaTeX. n stands beside every ±."""

import csv
import io
from collections.abc import Sequence
from math import isfinite

from analysis.aggregate import Spread, State
from analysis.table import Line

NOTHING = "–"
HEAD = ("Method", "Search epochs", "Test accuracy, %", "Parameters, M", "Shortcuts", "Random twins' accuracy, %")


def number(spread: Spread, digits: int, scale: float = 1.0) -> str:
    """`93.70 ± 0.22 (n=5)`; without ± where all values are equal or there is one, `–` where there is none."""
    if not spread.n:
        return NOTHING
    mean = f"{spread.mean * scale:.{digits}f}"
    return f"{mean} ± {spread.std * scale:.{digits}f} (n={spread.n})" if spread.std > 0 else f"{mean} (n={spread.n})"


def accuracy(spread: Spread, state: State | None) -> str:
    """The accuracy with what is unfinished or in trouble said beside it."""
    notes = str(state) if state else ""
    if not spread.n:
        return notes or NOTHING
    return f"{number(spread, 2)}, {notes}" if notes else number(spread, 2)


def millions(spread: Spread) -> str:
    """Two digits after the point, three for networks under a million."""
    return number(spread, 2 if spread.mean >= 1e6 else 3, 1e-6)


def cells(line: Line) -> list[str]:
    """The line in the layout of study 2's Table 2."""
    epochs = NOTHING if line.search_epochs is None else str(line.search_epochs)
    twins = accuracy(line.twin_cells["accuracy"], line.twin_state) if line.twin else NOTHING
    return [line.label, epochs, accuracy(line.cells["accuracy"], line.state), millions(line.cells["parameters"]),
            number(line.cells["shortcuts"], 1), twins]  # fmt: skip


def text(lines: Sequence[Line]) -> str:
    return _tabulated(lines, "simple")


def markdown(lines: Sequence[Line]) -> str:
    return _tabulated(lines, "github")


def _tabulated(lines: Sequence[Line], style: str) -> str:
    from tabulate import tabulate

    body = [cells(line) for line in lines]
    return tabulate(body, headers=HEAD, tablefmt=style, disable_numparse=True) + "\n"


def comma_separated(lines: Sequence[Line]) -> str:
    """Every quantity of every line, unrounded: mean, std and n, the method's own and its twins'."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(_flat(lines[0])) if lines else ["method"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(_flat(line) for line in lines)
    return out.getvalue()


def _flat(line: Line) -> dict[str, object]:
    out: dict[str, object] = {"method": line.method, "role": line.role, "search_epochs": line.search_epochs,
                              "runs_planned": line.state.planned, "runs_done": line.state.done}  # fmt: skip
    out |= {f"runs_{status}": line.state.troubles.get(status, 0) for status in ("failed", "diverged", "disconnected")}
    out["twin"] = line.twin
    for prefix, spreads in (("", line.cells), ("twin_", line.twin_cells)):
        for name in (*line.cells,) if not prefix else (n for n in line.cells if n != "cost"):
            spread = spreads.get(name, Spread(float("nan"), float("nan"), 0, ()))
            unit = "_device_seconds" if name == "cost" else ""
            out |= {f"{prefix}{name}{unit}_mean": _plain(spread.mean), f"{prefix}{name}{unit}_std": _plain(spread.std),
                    f"{prefix}{name}{unit}_n": spread.n}  # fmt: skip
    return out


def _plain(value: float) -> str:
    return f"{value:.10g}" if isfinite(value) else ""


def latex(lines: Sequence[Line], caption: str, label: str) -> str:
    """A booktabs table, ready to \\input; needs \\usepackage{booktabs}."""
    rows = [" & ".join(map(escaped, cells(line))) + r" \\" for line in lines]
    if lines and lines[-1].role == "baseline" and len(lines) > 1:
        rows.insert(-1, r"\midrule")
    head = " & ".join(escaped(name) for name in HEAD) + r" \\"
    return "\n".join([r"\begin{table}", r"\centering", rf"\caption{{{escaped(caption)}}}", rf"\label{{{label}}}",
                      r"\begin{tabular}{lrllll}", r"\toprule", head, r"\midrule", *rows, r"\bottomrule",
                      r"\end{tabular}", r"\end{table}", ""])  # fmt: skip


def escaped(text: str) -> str:
    """Plain text as LaTeX."""
    special = {"\\": r"\textbackslash{}", "±": r"$\pm$", "–": "--", "&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_",
               "$": r"\$", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
               "−": "$-$", "≥": r"$\geq$", "α": r"$\alpha$", "×": r"$\times$"}  # fmt: skip
    return "".join(special.get(character, character) for character in text)
