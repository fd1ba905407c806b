"""What packages from outside may import: the names for spaces, rules, strategies and data sets (docs/extending.md).

These names stay; everything else in here may move.
"""

from harness.data.images import DataSet, Images, Loader
from harness.plan.sources import Source
from harness.plan.strategies import Found, Request, Strategy, score, supernet
from spaces.architecture import Cells, Edge, Shortcuts
from spaces.cells.space import CellSpace
from spaces.shortcuts.space import ShortcutSpace
from spaces.space import Alpha, Architecture, Space, Supernet

__all__ = [
    "Alpha",
    "Architecture",
    "CellSpace",
    "Cells",
    "DataSet",
    "Edge",
    "Found",
    "Images",
    "Loader",
    "Request",
    "ShortcutSpace",
    "Shortcuts",
    "Source",
    "Space",
    "Strategy",
    "Supernet",
    "score",
    "supernet",
]
