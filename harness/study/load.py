"""Study files: found by path or by name, with changes applied."""

import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from harness.errors import BadInput
from harness.study.python_values import plain_value
from harness.study.schema import Study
from harness.study.validation import validated

Change = str | tuple[str, Any]  # `recipe.epochs=3`, or a field's dotted name and its value
UNREADABLE = (ValueError, RecursionError)  # of TOML: also integers of thousands of digits, endless brackets, no text


def load_study(study: str, changes: Iterable[Change] = (), recipe: Mapping[str, Any] | None = None) -> Study:
    """The study at a path, or of that name in the package, with `recipe` in its own and then `changes` applied; it
    remembers where its file lies.

    Raises BadInput naming the field or the path.
    """
    path = _find(study)
    try:
        values = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except UNREADABLE as error:
        raise BadInput(f"{study} is not TOML: {error}") from None
    except OSError as error:
        raise BadInput(f"{study} cannot be read: {error.strerror}") from None
    found = parsed_study(values, study, changes, recipe)
    return found.lying_in(Path(study).resolve().parent) if os.path.isfile(study) else found


def parsed_study(values: Mapping[str, Any], where: str, changes: Iterable[Change] = (),
                 recipe: Mapping[str, Any] | None = None) -> Study:  # fmt: skip
    """The study that these values say, with `recipe` and `changes` applied.

    Raises BadInput naming the field, and `where` it is.
    """
    own = plain_value(values, where)
    _merge(own, {"recipe": recipe} if recipe else {})
    for change in changes:
        _apply(own, *(_written(change) if isinstance(change, str) else change))
    return validated(Study, own, where)


def packaged() -> list[str]:
    """Names of the studies that come with the package."""
    return sorted(p.name.removesuffix(".toml") for p in _folder().iterdir() if p.name.endswith(".toml"))


def packaged_text(name: str) -> str:
    """The file of a study of the package. Raises BadInput where there is none of that name."""
    if name not in packaged():
        raise BadInput(f"study '{name}' is none of the package: {', '.join(packaged())}")
    return str((_folder() / f"{name}.toml").read_text())


def _folder() -> Any:
    return resources.files("harness") / "studies"


def _find(study: str) -> Any:
    if os.path.isfile(study):
        return Path(study)
    if study in packaged():
        return _folder() / f"{study}.toml"
    if looks_like_a_file(study):
        raise BadInput(f"{study}: no such file; the studies of the package are {', '.join(packaged())}")
    raise BadInput(f"study '{study}' is neither a file nor one of: {', '.join(packaged())}")


def looks_like_a_file(given: str) -> bool:
    """Whether a word that names no file was meant to: it has a folder or an ending, and nothing of an architecture."""
    return re.fullmatch(r"[^\s(),>=]*(/[^\s(),>=]*|\.[A-Za-z]\w{0,5})", given) is not None


def _apply(values: dict[str, Any], path: str, value: Any) -> None:
    """`method.NAME.field` reaches into the list of methods, whose names may have dots."""
    text = "…" if isinstance(value, Mapping | list | tuple) else value  # such may be endless
    said = f"--set {path}={text}"
    if not isinstance(path, str):
        raise BadInput(f"{said}: name the field as text, as in recipe.epochs")
    parents, rest = list[str](), path.strip()
    here: Any = values
    while "." in rest and not (isinstance(here, dict) and rest in here):
        name, here = _within(here, rest)
        parents.append(name)
        rest = rest[len(name) + 1 :]
        if not isinstance(here, dict | list):
            raise BadInput(f"{said}: there is no {'.'.join(parents)}")
    if isinstance(here, list):
        raise BadInput(f"{said}: name the {parents[-1]}, as in {parents[-1]}.NAME.{rest}={text}")
    here[rest] = plain_value(value, f"--set {path}", path)


def _within(here: Any, path: str) -> tuple[str, Any]:
    """The longest name there with which the path begins, and what has it: a part of a table, which is made if there is
    none, or the one of that name in a list, else None."""
    listed = isinstance(here, list)
    if listed:
        here = {one["name"]: one for one in here if isinstance(one, dict) and isinstance(one.get("name"), str)}
    word, _, _ = path.partition(".")
    name = max((one for one in here if path.startswith(f"{one}.")), key=len, default=word)
    return name, here.setdefault(name, None if listed else {})


def _written(change: str) -> tuple[str, Any]:
    """The field and the value, which is TOML, or else taken as text."""
    path, sign, text = change.partition("=")
    if not sign:
        raise BadInput(f"--set {change}: write field=value, as in recipe.epochs=3")
    try:
        return path, tomllib.loads(f"value = {text}")["value"]
    except UNREADABLE:
        return path, text


def _merge(values: dict[str, Any], changes: Mapping[str, Any]) -> None:
    for name, value in changes.items():
        here = values.get(name)
        if isinstance(here, dict) and isinstance(value, dict):
            _merge(here, value)
        else:
            values[name] = value


def load_with_recipe(name: str, changes: Sequence[str], recipe: str | None = None) -> Study:
    """The study with `--set` changes and, from `--recipe FILE`, a recipe that a tuning exported."""
    if recipe is None:
        return load_study(name, changes)
    try:
        if Path(recipe).exists() and not Path(recipe).is_file():
            raise ValueError("no regular file")
        found = tomllib.loads(Path(recipe).read_bytes().decode("utf-8-sig"))["recipe"]
        if not isinstance(found, dict):
            raise ValueError("recipe is none")
    except OSError as error:
        raise BadInput(f"--recipe {recipe} cannot be read: {error.strerror}") from None
    except (KeyError, *UNREADABLE) as error:
        raise BadInput(f"--recipe {recipe}: no TOML file with a [recipe] table ({error})") from None
    return load_study(name, changes, found)
