"""The spaces that come with the package, by name."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from spaces.cells.space import CellSpace
from spaces.nasbench201.space import BenchSpace
from spaces.options import BENCH, CELLS, SHORTCUTS, Kind, fault
from spaces.plugins import imported, space_fault
from spaces.shortcuts.space import ShortcutSpace
from spaces.space import Space

SPACES: dict[str, Callable[..., Space]] = {
    **{f"shortcut-{vgg}": partial(ShortcutSpace, vgg) for vgg in ("vgg11", "vgg13", "vgg16", "vgg19")},
    **{name: partial(CellSpace.named, name) for name in
       ("cell-study1", "cell-study1-two-inputs", "cell-study1-reduction", "cell-darts")},
    "nasbench201": BenchSpace,
}  # fmt: skip


def load(name: str, options: Mapping[str, Any] | None = None) -> Space:
    """The space called `name`, or the class at `package.module:Class`. Raises ValueError with one clear line."""
    unknown = f"space '{name}' is unknown; there are {', '.join(SPACES)}"
    factory = SPACES.get(name) or imported(name, unknown, space_fault)
    if name in SPACES and (wrong := fault(options or {}, _known(name))):
        raise ValueError(f"{name}: {wrong}")
    try:
        space = factory(**(options or {}))
    except ValueError:
        raise
    except (TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"space_options of {name}: {error}") from None
    except Exception as error:  # of a space that is not done yet
        raise ValueError(f"{name} cannot be made: {type(error).__name__}: {error}") from None
    if name not in SPACES and (lacking := next(filter(None, (_no_names(space, what) for what in NAMES)), "")):
        raise ValueError(f"{name} {lacking}")
    return space


NAMES = ("rules", "gates")  # of a space: texts, one at least


def _no_names(space: Space, what: str) -> str:
    found = getattr(space, what, None)
    right = isinstance(found, list | tuple) and found and all(isinstance(name, str) and name for name in found)
    return "" if right else f'lacks {what}: a tuple of texts, as in {what} = ("name",)'


def _known(name: str) -> Mapping[str, Kind]:
    """Options of a space that comes with the package."""
    return SHORTCUTS if name.startswith("shortcut-") else CELLS if name.startswith("cell-") else BENCH
