"""Stored tables against those that the rows give: words exactly, numbers to one unit of the last printed place.

Processors round differently, so that the same rows may print 0.062 on one and 0.063 on another.
"""

import csv
import io
import re
import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path, PurePath
from typing import NamedTuple

from analysis.results.kept import content, kept_as, packed, unpacked

SHOWN = 10  # differences that are named in each file
LONGEST = 300  # characters that are shown of a cell
NUMBER = re.compile(r"(?:< ?)?(?<![\w.])[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e[+-]\d+)?(?!\w|\.\d)")
SEPARATORS = {".md": r"\s*\|\s*", ".txt": r"\s{2,}", ".tex": r"\s*&\s*"}
RULE = re.compile(r"[|-][\s|-]*")  # below a head; as wide as the table


class Row(NamedTuple):
    place: str
    columns: tuple[str, ...]
    cells: tuple[str, ...]


def differences(folder: Path, built: Mapping[str, str]) -> list[str]:
    """What of the files in `folder` is not as in `built` (name → text), a line each with both values.

    Raises Damaged where a compressed one is.
    """
    out: list[str] = []
    for name, text in built.items():
        stored = _stored(folder / name)
        found = [f"{name} is missing"] if stored is None else [*compare(name, stored, text), *_stale(folder, name)]
        more = [f"{name}: {len(found) - SHOWN} more differences"] if len(found) > SHOWN else []
        out += found[:SHOWN] + more
    paths = [path for ending in ("*.csv", "*.csv.xz") for path in folder.rglob(ending)]
    numbers = {str(path.relative_to(folder)).removesuffix(".xz") for path in paths}
    return out + [f"{name} is of no figure that the rows give" for name in sorted(numbers - built.keys())]


def _stored(path: Path) -> str | None:
    """None where there is no such file, compressed or not."""
    return content(path).decode(errors="replace") if kept_as(path).is_file() else None


def _stale(folder: Path, name: str) -> Iterator[str]:
    """Whether a compressed copy beside the file, which alone is read then, says something else."""
    plain, copy = folder / name, packed(folder / name)
    if not (plain.is_file() and copy.is_file()):
        return
    old, new = (content.decode(errors="replace") for content in (unpacked(copy), plain.read_bytes()))
    if old != new and compare(name, old, new):
        yield f"{name}.xz says something else than {name} beside it: pack it anew, or remove it"


def compare(name: str, stored: str, given: str) -> list[str]:
    """Every difference of two texts of a file; its name says which format it has."""
    try:
        old, new = list(_rows(name, stored)), list(_rows(name, given))
    except csv.Error as error:
        return [f"{name} is no table ({error})"]
    found = [f"{name}, {line}" for pair in zip(old, new, strict=False) for line in _row_differences(*pair)]
    if len(old) != len(new):
        found.insert(0, f"{name}: {len(old)} lines stored, {len(new)} by the rows")
    return found


def agree(stored: str, given: str) -> bool:
    """Whether two cells say the same: equal words; integers equal, other numbers at most one unit apart.

    The unit is that of the number printed with more places; "< 0.001" counts as 0.000.
    """
    old, new = (text.replace("$-$", "-").replace("−", "-").replace("$<$", "<") for text in (stored, given))
    numbers = zip(NUMBER.findall(old), NUMBER.findall(new), strict=False)
    try:
        return NUMBER.split(old) == NUMBER.split(new) and all(_close(*pair) for pair in numbers)
    except ArithmeticError:  # an exponent that no table has
        return old == new


def _close(first: str, second: str) -> bool:
    if re.fullmatch(r"[+-]?[\d,]+", first) and re.fullmatch(r"[+-]?[\d,]+", second):
        return Decimal(first.replace(",", "")) == Decimal(second.replace(",", ""))
    (one, unit), (other, finer) = _value(first), _value(second)
    return abs(one - other) <= min(unit, finer)


def _value(text: str) -> tuple[Decimal, Decimal]:
    """The number and the unit of its last printed place."""
    value = Decimal(text.lstrip("< ").replace(",", ""))
    unit = Decimal(1).scaleb(int(value.as_tuple().exponent))
    return (value - unit if text.startswith("<") else value), unit


def _row_differences(stored: Row, given: Row) -> Iterator[str]:
    if stored.columns != given.columns or len(stored.cells) != len(given.cells):
        yield f"{given.place}: columns {' | '.join(stored.columns)} stored, {' | '.join(given.columns)} by the rows"
        return
    for column, old, new in zip_longest(given.columns, stored.cells, given.cells, fillvalue=""):
        if not agree(old, new):
            place = f"{given.place}, {column}" if column else given.place
            yield f"{place}: {_short(old)} stored, {_short(new)} by the rows"


def _short(cell: str) -> str:
    """A stray quote makes one cell of all that follows."""
    return cell if 0 < len(cell) <= LONGEST else f"{cell[:LONGEST]}…" if cell else "nothing"


def _rows(name: str, text: str) -> Iterator[Row]:
    if (kind := PurePath(name).suffix) != ".csv":
        yield from _printed(text.splitlines(), re.compile(SEPARATORS[kind]))
        return
    head: tuple[str, ...] = ()
    csv.field_size_limit(sys.maxsize)  # a text of a row may be as long
    for number, cells in enumerate(csv.reader(io.StringIO(text)), 1):
        head = head or tuple(cells)
        yield Row(_place(number, cells), head, tuple(cells))


def _printed(lines: list[str], separator: re.Pattern[str]) -> Iterator[Row]:
    """The lines of a text, each cut into its cells, with the names above them where there is a table."""
    head: tuple[str, ...] = ()
    for number, (before, line, after) in enumerate(zip(["", *lines], lines, [*lines[1:], ""], strict=False), 1):
        if RULE.fullmatch(line):
            continue
        cells = tuple(separator.split(line.removesuffix(r"\\").strip(" |")))
        if RULE.fullmatch(after) or before == r"\toprule":
            head = cells
        elif not line:
            head = ()
        yield Row(_place(number, cells), head, cells)


def _place(number: int, cells: tuple[str, ...] | list[str]) -> str:
    return f"line {number} ({cells[0]})" if len(cells) > 1 else f"line {number}"
