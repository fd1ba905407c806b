"""The report of results folders: tables, figures and one offline page, rebuilt byte by byte from the rows."""

from collections.abc import Sequence
from pathlib import Path

from analysis import formats
from analysis.findings import Findings, findings
from analysis.style import FORMATS

Folders = Path | Sequence[Path]


def write(results: Folders, out: Path | None = None) -> Path:
    """Writes the report of one or several results folders into `out`, by default `report/` in the first; returns it.

    Raises FileNotFoundError or ValueError where a folder holds no study.
    """
    out = out or _home(results)
    built = rebuild(results)
    for name in _stored(out) - built.keys():
        (out / name).unlink()
    for name, content in built.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return out


def text(results: Folders) -> str:
    """The table, the comparison with twins and what weakens them, for the terminal."""
    found = findings(results)
    parts = [found.results.name]
    parts += [formats.text(sheet) for sheet in found.sheets if sheet.name in ("table", "twins")]
    parts += ["\n".join(f"! {caveat}" for caveat in found.caveats)]
    return "\n\n".join(part.rstrip() for part in parts if part) + "\n"


def rebuild(results: Folders) -> dict[str, bytes]:
    """Every file of the report, name inside the report's folder → content; equal rows give equal bytes."""
    from analysis.gallery import pictures
    from analysis.page import page

    found = findings(results)
    files = {name: content.encode() for name, content in tables(found).items()}
    drawn = pictures(found)
    files |= {f"figures/{p.name}.{kind}": content for p in drawn for kind, content in p.images.items()}
    files["index.html"] = page(found, drawn).encode()
    return files


def differences(results: Folders, out: Path | None = None) -> list[str]:
    """Files of the stored report that the rows do not give, byte by byte; empty where all agree."""
    out = out or _home(results)
    built = rebuild(results)
    changed = {name for name, content in built.items() if not _holds(out / name, content)}
    return sorted(changed | (_stored(out) - built.keys()))


def _holds(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content


def _stored(out: Path) -> set[str]:
    """The figures that lie there."""
    return {f"figures/{path.name}" for kind in FORMATS for path in (out / "figures").glob(f"*.{kind}")}


def tables(found: Findings) -> dict[str, str]:
    """File name → the tables in that form."""
    return {
        "table.txt": "\n".join(f"{sheet.title}\n\n{formats.text(sheet)}" for sheet in found.sheets),
        "table.md": formats.markdown(found.sheets),
        "table.csv": formats.comma_separated(found.table, found.twins),
        "table.tex": formats.latex(found.sheets, found.results.name),
    }


def _home(results: Folders) -> Path:
    return (results if isinstance(results, Path) else results[0]) / "report"
