"""The protocol as tables: what was fixed and when, and what departs from it."""

from collections.abc import Sequence

from analysis.report.tables.table import Cell, Table
from analysis.results.protocol_view import Protocol, shown
from analysis.results.rows import Results


def tables(results: Results) -> list[Table]:
    """None of both where no study has a protocol."""
    named = [(path.name, protocol) for path, protocol in zip(results.folders, results.protocols, strict=True)]
    several = len(named) > 1
    fixed = [row for name, protocol in named for row in _fixed(f"{name}: " if several else "", protocol)]
    departed = [
        (one.at, f"{name}: {one.text}" if several else one.text, one.rows, one.hash[:16])
        for name, protocol in named
        for one in protocol.deviations
    ]
    return [
        _table("protocol", "Protocol", ("Fixed", "Value", "Time, UTC", "Entry"), fixed, "Before the first row."),
        _table("deviations", "Deviations from the protocol", ("Time, UTC", "What", "Rows then", "Entry"), departed,
               "What was fixed first counts for primary comparison, α, smallest effect and margin."),
    ]  # fmt: skip


def _fixed(prefix: str, protocol: Protocol) -> list[tuple[str, ...]]:
    if not protocol.preregistered:
        return []
    return [
        (f"{prefix}{name}", shown(value), entry["at"], entry["hash"][:16])
        for name, (value, entry) in sorted(protocol.first_entries.items())
    ]


def _table(name: str, title: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]], note: str) -> Table:
    return Table(name, title, head, tuple(tuple(Cell(text) for text in row) for row in rows), note, paper=False)
