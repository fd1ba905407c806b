"""Tables that people write or that their programs do: any usual encoding, separator and quotes. Text in, text out."""

import codecs
import csv
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

SEPARATORS = (",", ";", "\t", "|")
BEGINNINGS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
              (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip
WESTERN = frozenset(b"\xb1\xa0\x96\x97")  # ±, a fixed blank and dashes of Windows-1252: all that a table needs of it
NOTHING = ("", "-", "–", "—", "−", "--", "n/a", "na", "nan", "none", "null", "?")
SPREAD = re.compile(r"\s*(±|\+/-|\+-)\s*")


@dataclass(frozen=True)
class Table:
    """`rows`: (line, cells), as many cells as columns; `comma`: whether a comma can be that of a decimal."""

    columns: list[str]
    rows: list[tuple[int, list[str]]]
    comma: bool

    def number(self, cell: str, line: int, column: str) -> float | None:
        """The number in a cell, also in percent; None where the cell says that there is none.

        Raises ValueError naming line and column on anything else.
        """
        plain = cell.replace("−", "-").removesuffix("%").rstrip()
        if plain.lower() in NOTHING:
            return None
        try:
            found = float(plain.replace(",", ".") if self.comma and plain.count(",") == 1 else plain)
            if abs(found) < float("inf") and "_" not in plain:
                return found
        except ValueError:
            pass
        raise ValueError(f"line {line}, column {_short(column)}: '{_short(cell)}' is no number")


def decoded(content: bytes) -> str:
    """UTF-8 or UTF-16, with or without a byte-order mark. Raises ValueError on other encodings."""
    encoding = next((name for mark, name in BEGINNINGS if content.startswith(mark)), "")
    if not encoding and content[:200].count(0) * 3 > len(content[:200]):
        encoding = "utf-16-le" if content[1::2].count(0) > content[::2].count(0) else "utf-16-be"
    if not encoding and WESTERN.issuperset(byte for byte in content if byte > 127):
        encoding = "cp1252"
    try:
        return content.decode(encoding or "utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"it is no UTF-8 text (byte {error.start} is 0x{content[error.start]:02x}); save it as UTF-8"
                         ) from None  # fmt: skip


def read(text: str) -> Table:
    """Columns are separated as the first line separates them: by commas, semicolons, tabs, bars or blanks.

    Empty lines are left out, as are blanks around cells. Signs of full width become plain ones. Raises ValueError
    naming the line where a row has more cells than columns, a column comes twice, or quotes do not end.
    """
    lines = unicodedata.normalize("NFKC", text.lstrip("\ufeff")).splitlines()
    first = next((number for number, line in enumerate(lines) if line.strip()), None)
    if first is None:
        raise ValueError("it is empty")
    sign = _separator(lines[first])
    (_, columns), *rows = _split(lines[first:], first + 1, sign)
    if twice := next((name for name in columns if name and columns.count(name) > 1), ""):
        raise ValueError(f"column '{_short(twice)}' appears twice")
    return Table(columns, [(line, _fitted(line, cells, columns)) for line, cells in rows if any(cells)], sign != ",")


def _separator(head: str) -> str:
    """'' stands for blanks."""
    best = max(SEPARATORS, key=head.count)
    return best if best in head else ""


def _split(lines: Sequence[str], first: int, sign: str) -> list[tuple[int, list[str]]]:
    if not sign:
        together = (SPREAD.sub(r"\1", line).split() for line in lines)
        return [(number, [_unquoted(cell) for cell in cells]) for number, cells in enumerate(together, first)]
    reader = csv.reader(lines, delimiter=sign, strict=True, skipinitialspace=True)
    try:
        return [(first - 1 + reader.line_num, [_unquoted(cell.strip()) for cell in cells]) for cells in reader]
    except csv.Error as error:
        raise ValueError(f"line {first - 1 + reader.line_num}: {error}") from None


def _unquoted(cell: str) -> str:
    return cell[1:-1] if len(cell) > 1 and cell[0] == cell[-1] and cell[0] in "\"'" else cell


def _fitted(line: int, cells: list[str], columns: Sequence[str]) -> list[str]:
    while len(cells) > len(columns) and not cells[-1]:
        cells = cells[:-1]
    if len(cells) > len(columns):
        raise ValueError(f"line {line} has {len(cells)} cells, the first line {len(columns)}")
    return cells + [""] * (len(columns) - len(cells))


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"
