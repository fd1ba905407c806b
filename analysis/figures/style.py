"""One style for all figures: Okabe-Ito colours, with a marker and a line style each, so that black and white works."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, PAPER, GRID, FAINT, BLUE = "#1a1a1a", "#ffffff", "#dddddd", "#8a8a8a", "#0072b2"
PAGE = {INK: "currentColor", PAPER: "var(--paper)", GRID: "var(--line)", BLUE: "var(--blue)"}  # in the page
COLOURS = (BLUE, "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d31", "#7f7f7f")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">", "p", "d", "h")
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (1, 1)), (0, (3, 3)), (0, (9, 1, 1, 1)))
LINKED = 300  # points of one method that may each carry a link; more are drawn as one image
FORMATS = ("svg", "pdf", "png")
DOTS_PER_INCH = 200


@dataclass(frozen=True)
class Drawing:
    """A figure and the numbers that it was drawn from: a row for each mark, or each point of a line."""

    figure: "Figure"
    data: pd.DataFrame


class Look:
    """Colour, marker and line style of the `index`-th method. Their numbers differ, so that pairs repeat late."""

    def __init__(self, index: int) -> None:
        self.colour = COLOURS[index % len(COLOURS)]
        self.marker = MARKERS[index % len(MARKERS)]
        self.line = LINES[index % len(LINES)]
        self.size = 90 if self.marker == "*" else 42  # of a point, as matplotlib's scatter counts it


def looks(names: Sequence[str]) -> dict[str, Look]:
    """The same look for a method in every figure; the baseline is ink-black and a star."""
    out = {name: Look(index) for index, name in enumerate(name for name in names if name.split("/")[-1] != "baseline")}
    for name in names:
        if name not in out:
            out[name] = Look(0)
            out[name].colour, out[name].marker, out[name].size = INK, "*", 90
    return out


@contextmanager
def styled() -> Iterator[None]:
    """Matplotlib with our settings, on a backend that needs no screen; nothing outside the block changes."""
    import matplotlib

    matplotlib.use("agg")
    settings: dict[Any, Any] = {
        "font.family": "DejaVu Sans", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False,
        "axes.grid": True, "grid.color": GRID, "grid.linewidth": 0.6, "axes.axisbelow": True,
        "text.color": INK, "axes.edgecolor": INK, "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK,
        "legend.frameon": False, "figure.constrained_layout.use": True, "figure.facecolor": PAPER,
        "axes.facecolor": PAPER, "svg.hashsalt": "nas-harness", "lines.linewidth": 1.5, "lines.markersize": 6,
        "axes.titlesize": 10, "hatch.linewidth": 0.6, "axes.formatter.useoffset": False,
    }  # fmt: skip
    with matplotlib.rc_context(settings):
        yield


def rendered(figure: "Figure") -> dict[str, bytes]:
    """The figure in each of FORMATS; equal figures give equal bytes, as no time or chance goes in."""
    with styled():
        return _bytes(figure)


def _bytes(figure: "Figure") -> dict[str, bytes]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_pdf import FigureCanvasPdf
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # laid out once, not for each format
    svg, pdf, png = io.BytesIO(), io.BytesIO(), io.BytesIO()
    FigureCanvasSVG(figure).print_svg(svg, metadata={"Date": None, "Creator": None})
    FigureCanvasPdf(figure).print_pdf(pdf, metadata={"CreationDate": None, "Producer": None, "Creator": None})
    figure.dpi = DOTS_PER_INCH
    FigureCanvasAgg(figure).print_png(png, metadata={"Software": None})
    return {"svg": svg.getvalue(), "pdf": pdf.getvalue(), "png": png.getvalue()}


def canvas(width: float = 6.4, height: float = 4.0) -> tuple["Figure", "Axes"]:
    """A figure of so many inches that no global state knows of, and its axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    return figure, figure.subplots()


def grid(panels: int, columns: int, width: float, height: float) -> tuple["Figure", list["Axes"]]:
    """A figure of `panels` axes in rows of `columns`, each of so many inches; nothing where a row is not full."""
    from matplotlib.figure import Figure

    rows = -(-panels // columns)
    figure = Figure(figsize=(width * columns, height * rows + 0.4))
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for spare in axes[panels:]:
        spare.remove()
    return figure, axes[:panels]


def by_data_set(count: int) -> tuple["Figure", list["Axes"]]:
    """A panel for each data set, three in a row at most; of one data set a figure of the usual width."""
    return grid(count, columns=min(3, count), width=6.4 if count == 1 else 4.4, height=3.8)
