"""Tables as text and Markdown; the table's numbers as CSV. Cells know nothing of any format."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import nan

from analysis.findings.comparisons import Comparison
from analysis.numbers import in_csv, in_markdown, significant
from analysis.report.tables.table import Table
from analysis.results.aggregate import NOTHING
from analysis.results.table import Line
from analysis.statistics.paired import mean_interval

STATUSES = ("failed", "diverged", "disconnected", "invalid")


def text(table: Table) -> str:
    return f"{_tabulated(table, 'simple')}\n"


def markdown(tables: Sequence[Table]) -> str:
    parts = (f"### {table.title}\n\n{_tabulated(table, 'github', in_markdown)}\n\n{in_markdown(table.note)}\n"
             for table in tables)  # fmt: skip
    return "\n".join(parts)


def _tabulated(table: Table, style: str, written: Callable[[str], str] = str) -> str:
    from tabulate import tabulate

    body = [[written(cell.text) for cell in row] for row in table.rows]
    return str(tabulate(body, headers=table.head, tablefmt=style, disable_numparse=True))


def comma_separated(lines: Sequence[Line], twins: Mapping[str, Comparison]) -> str:
    """Every quantity of every line to ten digits: mean, std, n, its own and its twins', and the paired difference."""
    out = io.StringIO()
    records = [dict(_flat(line, twins.get(line.method))) for line in lines]
    writer = csv.DictWriter(
        out, list(dict.fromkeys(name for record in records for name in record)), lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows({name: in_csv(value) for name, value in record.items()} for record in records)
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
    rate = line.state.failures
    yield from (("failure_rate", _plain(rate.value)), ("failure_rate_low", _plain(rate.low)))
    yield "failure_rate_high", _plain(rate.high)
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
        yield from _compared(against)


def every_comparison(found: Sequence[Comparison], more: Callable[[Comparison], Iterator[tuple[str, object]]]) -> str:
    """A line each, to ten digits, with `more` columns before the verdict."""
    named = ("kind", "status", "method", "against")
    records = []
    for c in found:
        values = {name: getattr(c, name) for name in named} | dict(_compared(c))
        verdict = values.pop("verdict")
        records.append({**values, **dict(more(c)), "verdict": verdict})
    return table_of(records, named)


def table_of(records: Sequence[Mapping[str, object]], head: Sequence[str], digits: int = 10) -> str:
    """Records of equal fields as CSV, numbers to so many digits; `head` where there are none."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(records[0]) if records else head, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: in_csv(_written(value, digits)) for name, value in record.items()} for record in records)
    return out.getvalue()


def _written(value: object, digits: int) -> object:
    return significant(value, digits) if isinstance(value, float) else value


def _compared(c: Comparison) -> Iterator[tuple[str, object]]:
    found, without = c.difference, c.without or mean_interval([])
    flipped, ranked = _without_normal_noise(c)
    values = {"difference": found.value, "difference_low": found.low, "difference_high": found.high,
              "difference_std": found.std, "difference_p": found.p, "difference_p_holm": c.adjusted,
              "p_moderated": c.moderated_raw, "p_moderated_holm": c.moderated, "simultaneous_low": c.low,
              "simultaneous_high": c.high, "hedges_g": c.effect.value, "hedges_g_low": c.effect.low,
              "hedges_g_high": c.effect.high, "correlation": c.effect.correlation,
              "relative_improvement": c.improvement.value, "relative_improvement_low": c.improvement.low,
              "relative_improvement_high": c.improvement.high, "difference_without_failures": without.value,
              "p_sign_flip": flipped,
              "p_signed_rank": ranked, "p_equivalence": c.equivalence,
              "finds": c.finds}  # fmt: skip
    yield from ((name, _plain(value)) for name, value in values.items())
    yield from (("pairs", found.n), ("failures", c.failures), ("pairs_refused", len(c.refused)))
    yield from (("seeds_needed", c.needed.value), ("seeds_needed_low", c.needed.low))
    yield from (("seeds_needed_high", c.needed.high), ("verdict", c.verdict))


def _without_normal_noise(c: Comparison) -> tuple[float, float]:
    """p of sign flips of differences and of their ranks, primary and with twins; else NaN: 20 pairs take long."""
    from analysis.statistics.permutation import sign_flip, signed_rank

    if c.kind not in ("primary", "twins"):
        return nan, nan
    return sign_flip(c.pairs.differences).p, signed_rank(c.pairs.frame["own"], c.pairs.frame["other"]).p


def _plain(value: float) -> str:
    return significant(value, 10)
