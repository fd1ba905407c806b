"""Data sets as folders of images: `train/CLASS/` and `test/CLASS/`, or one part of which some is held out."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from harness.data import pixels
from harness.errors import BadInput

READ = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
PARTS = ("train", "training", "test", "testing", "val", "valid", "validation", "dev")  # no class is called so
SAID = 5  # names in a message
Labelled = Iterator[tuple[Any, int, str]]  # image, label, file


def parts(folder: Path, held_out: bool) -> tuple[Labelled, Labelled | None]:
    """Training and test images, each with its class; no test images where some of the first are to be `held_out`.

    Raises BadInput where a part is missing, or its classes are not those of the other.
    """
    train, test = folder / "train", folder / "test"
    if held_out:
        if test.is_dir():
            raise BadInput(f"data.test_part: {folder} has a test/ already; leave data.test_part out")
        part = train if train.is_dir() else folder
        names = classes(part)
        if parts := [name for name in names if name.casefold() in PARTS]:
            raise BadInput(f"{part} holds {', '.join(parts[:SAID])}, which sounds like a part of the images and no "
                           "class; call the parts train and test, or merge them into one folder a class")  # fmt: skip
        return _labelled(part, names, set()), None
    if missing := [part.name for part in (train, test) if not part.is_dir()]:
        raise BadInput(f"{folder} has no {'/ and no '.join(missing)}/; it needs train/CLASS/ and test/CLASS/. Where "
                       "there is one part alone, data.test_part = 0.2 holds out a fifth of it")  # fmt: skip
    known, other = classes(train), classes(test)
    if stray := sorted(set(known) ^ set(other)):
        raise BadInput(f"{folder}: train/ and test/ hold different classes; only one has {', '.join(stray[:SAID])}")
    seen: set[str] = set()
    return _labelled(train, known, seen), _labelled(test, known, seen)


def classes(part: Path) -> list[str]:
    """Names of the folders in `part` that are not hidden. Raises BadInput where it cannot be read, a link leads
    nowhere, or a folder is divided into parts itself."""
    entries = _entries(part)
    if broken := [one.path for one in entries if one.is_symlink() and not os.path.exists(one.path)]:
        raise BadInput(f"{broken[0]} is a link that leads nowhere; mend or remove it")
    names = [one.name for one in entries if one.is_dir()]
    for place in (part / name for name in names):
        if inside := [one.name for one in _entries(place) if one.name.casefold() in PARTS and one.is_dir()]:
            raise BadInput(f"{place} holds {', '.join(inside[:SAID])}, which sounds like a part of the images; put the "
                           "part first, as in train/CLASS/ and test/CLASS/")  # fmt: skip
    return names


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is not hidden there, by name. Raises BadInput where it cannot be read."""
    try:
        found = [entry for entry in os.scandir(folder) if not entry.name.startswith(".")]
    except OSError as error:
        _unreadable(error)
    return sorted(found, key=lambda entry: entry.name)


def _unreadable(error: OSError) -> NoReturn:
    raise BadInput(f"{error.filename} cannot be read: {error.strerror}") from None


def _labelled(part: Path, names: list[str], seen: set[str]) -> Labelled:
    """`seen`: the real folders and files that were read. Raises BadInput where there are fewer than two classes, or one
    without images, or a folder that was read before."""
    if len(names) < 2:
        what = f"only the class {names[0]}" if names else "no folder of a class"
        raise BadInput(f"{part} holds {what}; a data set has two classes or more, a folder each")
    files = [(path, label) for label, name in enumerate(names) for path in _files(part / name, seen)]
    return ((pixels.read(path), label, str(path)) for path, label in files)


def _files(folder: Path, seen: set[str]) -> list[Path]:
    """Images below the folder of a class, without hidden ones, in a fixed order. Raises BadInput if there are none, or
    one by links is an image that is read already."""
    found = []
    for place, real, names in sorted(_walk(folder, seen)):
        for name in sorted(names):
            if name.lower().endswith(READ) and not name.startswith("."):
                path = Path(place, name)
                _once(path, os.path.realpath(path) if path.is_symlink() else os.path.join(real, name), seen)
                found.append(path)
    if not found:
        raise BadInput(f"{folder} holds no image of its class; these are read: {', '.join(READ)}")
    return found


def _walk(folder: Path, seen: set[str]) -> Iterator[tuple[str, str, list[str]]]:
    """(folder, its real path, names of files). Raises BadInput where a link leads to what is read already, of whichever
    class and part."""
    for place, below, names in os.walk(folder, onerror=_unreadable, followlinks=True):
        real = os.path.realpath(place)
        _once(place, real, seen)
        below[:] = [name for name in below if not name.startswith(".")]
        yield place, real, names


def _once(path: Path | str, real: str, seen: set[str]) -> None:
    if real in seen:
        raise BadInput(f"{path} leads by links to {real}, which is read already; remove the link")
    seen.add(real)
