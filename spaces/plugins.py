"""What a study names as `package.module:name`."""

import builtins
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial, partialmethod
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

Fault = Callable[[Any], str]  # an object → what it lacks to be what it must be; '' where it lacks nothing
SPACE = ("supernet", "build", "parse", "discretise", "draw", "baseline", "mutate", "crossover", "broken")
_trusted: ContextVar[bool] = ContextVar("trusted", default=True)
_lay: dict[str, str] = {}  # a module that was found beside a study → the folder
_beside: ContextVar[str | None] = ContextVar("beside", default=None)


@contextmanager
def untrusted() -> Iterator[None]:
    """Within it, nothing from outside is imported: the study comes from a folder that somebody else may have made."""
    token = _trusted.set(False)
    try:
        yield
    finally:
        _trusted.reset(token)


@contextmanager
def beside(folder: str | os.PathLike[str] | None) -> Iterator[None]:
    """Within it, a module that a study names may lie in `folder`: beside the user's own study file."""
    token = _beside.set(os.fspath(folder) if folder else None)
    try:
        yield
    finally:
        _beside.reset(token)


def imported(path: str, otherwise: str, fault: Fault) -> Any:
    """The object at `package.module:name`, seen to be right by `fault`.

    Raises ValueError: `otherwise` where `path` is no such path; a line that says why where it may not be taken.
    """
    module, colon, name = path.partition(":")
    if not colon:
        raise ValueError(f"{otherwise} (your own: package.module:Name)")
    if not all(map(str.isidentifier, (*module.split("."), name))) or module.endswith(".py"):
        raise ValueError(f"'{path}' is not written as package.module:Name, as in my_method:{name or 'Name'}")
    if _is_standard(module):
        raise ValueError(f"'{path}' is in Python's standard library, which a study cannot name")
    if not _trusted.get():
        raise ValueError(f"'{path}' is code from outside, which is not loaded for a results folder; "
                         "--trust loads it, if you trust the folder and that package")  # fmt: skip
    found = _found(path, module, name)
    if why := _is_borrowed(found) or fault(found):
        raise ValueError(f"'{path}' {why}")
    return found


def space_fault(found: Any) -> str:
    """Of a class with the methods of `spaces.space.Space`, each seen without calling anything of it."""
    if not inspect.isclass(found):
        return "is no class of a search space (docs/extending.md)"
    missing = [name for name in SPACE if not _has_method(found, name)]
    return f"is no search space: it lacks {', '.join(missing)}" if missing else ""


def function_fault(*parameters: str) -> Fault:
    """Of a function that is called with so many values, in this order; the names are for the message."""

    def fault(found: Any) -> str:
        if not callable(found):
            return "is no function"
        if inspect.isclass(found) or not _takes(found, len(parameters)):
            return f"is no function of ({', '.join(parameters)})"
        return ""

    return fault


def named_function_fault(*parameters: str) -> Fault:
    """As `function_fault`, where the parameters have these very names: what else takes as many is not called."""
    taken = function_fault(*parameters)
    return lambda found: (
        taken(found)
        or ("" if _names(found) == list(parameters) else f"must be a function of ({', '.join(parameters)}), so named")
    )


def _found(path: str, module: str, name: str) -> Any:
    try:
        return getattr(_module(module), name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever the module does when it is imported
        why = f"{type(error).__name__}: {error}{_shadowed(module)}"
        raise ValueError(f"'{path}' cannot be imported: {why}") from None


def _module(name: str) -> ModuleType:
    """One that is installed, or else one beside the study. Only while that is imported does Python look there: a file
    that happens to lie in the folder is never taken for a module that something else asks for."""
    folder, first = _beside.get(), name.partition(".")[0]
    if folder is not None and (other := _of_another(os.path.realpath(folder), first)):
        raise ImportError(other)
    if folder is None or first in sys.modules or find_spec(first):
        return importlib.import_module(name)
    before = set(sys.modules)
    sys.path.append(folder)
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(folder)
        new = {one.partition(".")[0] for one in set(sys.modules) - before if _is_below(folder, one)}
        _lay.update((one, os.path.realpath(folder)) for one in new if _own(folder, one))


def _of_another(folder: str, first: str) -> str:
    """'' unless this process has imported, beside another study, what would be taken for a module of this folder."""
    for name, home in _lay.items():
        if home != folder and name in sys.modules and (name == first or _own(folder, name)):
            return f"this process has imported {name} of {home} already; start a new one for that of {folder}"
    return ""


def _is_below(folder: str, module: str) -> bool:
    file = getattr(sys.modules[module], "__file__", None)
    return bool(file) and Path(os.path.realpath(str(file))).is_relative_to(os.path.realpath(folder))


def _own(folder: str, first: str) -> list[Path]:
    """The folder's own file or package of that name."""
    return [path for path in (Path(folder, f"{first}.py"), Path(folder, first)) if path.exists()]


def _shadowed(name: str) -> str:
    """Says so where the user's own module has the name of one that is installed."""
    folder, first = _beside.get(), name.partition(".")[0]
    own = _own(folder, first) if folder else []
    taken = str(getattr(sys.modules.get(first), "__file__", None) or "")
    if not own or not taken or Path(taken).is_relative_to(own[0].parent):
        return ""
    return f" ({own[0].name} beside the study has the name of an installed package: give it another one)"


def _is_standard(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names


def _has_method(kind: type, name: str) -> bool:
    """Its own or of a class that it comes from: what `__getattr__` would answer says nothing."""
    found = inspect.getattr_static(kind, name, None)
    return callable(found) or isinstance(found, classmethod)


def _is_borrowed(found: Any) -> str:
    """A module of one's own may hand on what it has imported itself."""
    while isinstance(found, partial | partialmethod):
        found = found.func
    home = getattr(found, "__module__", None) if inspect.isclass(found) or inspect.isroutine(found) else None
    if getattr(builtins, getattr(found, "__name__", ""), None) is found or (home and _is_standard(str(home))):
        return "is in Python's standard library, which a study cannot name"
    return ""


def _takes(found: Callable[..., Any], count: int) -> bool:
    try:
        inspect.signature(found).bind(*range(count))
    except (TypeError, ValueError):
        return False
    return True


def _names(found: Callable[..., Any]) -> Sequence[str]:
    return [name.lstrip("_") for name in inspect.signature(found).parameters]
