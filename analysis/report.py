"""The report of a results folder: tables, figures and one offline page, rebuilt byte by byte from the rows."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from analysis import formats
from analysis.rows import Results, load
from analysis.table import Line, lines

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write(results: Path | Sequence[Path], out: Path | None = None) -> Path:
    """Writes the report of one or several results folders into `out`, by default `report/` in the first; returns it.

    Raises FileNotFoundError or ValueError where a folder holds no study.
    """
    out = out or _first(results) / "report"
    for name, content in rebuild(results).items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return out


def text(results: Path | Sequence[Path]) -> str:
    """The comparison table for the terminal."""
    loaded = load(results)
    return f"{loaded.name}\n\n{formats.text(lines(loaded))}"


def rebuild(results: Path | Sequence[Path]) -> dict[str, bytes]:
    """Every file of the report, name inside the report's folder → content; equal rows give equal bytes."""
    from analysis.page import page

    loaded = load(results)
    table = lines(loaded)
    files = {name: content.encode() for name, content in tables(loaded, table).items()}
    drawn: dict[str, str] = {}
    for name, figure in _figures(loaded, table):
        images = _images(figure)
        drawn[name] = images["svg"].decode()
        files |= {f"figures/{name}.{kind}": content for kind, content in images.items()}
    files["index.html"] = page(loaded, table, drawn).encode()
    return files


def differences(results: Path | Sequence[Path], out: Path | None = None) -> list[str]:
    """Files of the stored report that the rows do not give again, byte by byte; empty where all agree."""
    out = out or _first(results) / "report"
    built = rebuild(results)
    return sorted(name for name, content in built.items()
                  if not (out / name).is_file() or (out / name).read_bytes() != content)  # fmt: skip


def tables(results: Results, table: Sequence[Line]) -> dict[str, str]:
    """File name → the comparison table in that form."""
    caption = f"{results.name}: mean ± standard deviation over n search seeds."
    return {
        "table.txt": formats.text(table),
        "table.md": formats.markdown(table),
        "table.csv": formats.comma_separated(table),
        "table.tex": formats.latex(table, caption, f"tab:{results.name}"),
    }


def _figures(results: Results, table: Sequence[Line]) -> "Iterator[tuple[str, Figure]]":
    from analysis import figures
    from analysis.style import styled

    methods = [line.method for line in table]
    with styled():
        for name, figure in (
            ("accuracy-parameters", figures.accuracy_against(table, "parameters")),
            ("accuracy-shortcuts", figures.accuracy_against(table, "shortcuts")),
            ("learning-curves", figures.curves(results, methods, "train_loss", "Training loss")),
            ("test-curves", figures.curves(results, methods, "test_accuracy", "Test accuracy, %")),
            ("search-curves", figures.searches(results.trials, "val_accuracy", "Accuracy on the α part, %")),
        ):
            if figure is not None:
                yield name, figure


def _images(figure: "Figure") -> dict[str, bytes]:
    from analysis.style import rendered

    return rendered(figure)


def _first(results: Path | Sequence[Path]) -> Path:
    return results if isinstance(results, Path) else results[0]
