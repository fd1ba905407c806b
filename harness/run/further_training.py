"""Methods that train a kept network on: `start = "RESULTS:KEY"` gives both its architecture and its weights."""

import re
from pathlib import Path
from typing import Any

import torch

from harness.data.images import DataSet
from harness.errors import BadInput
from harness.storage import networks
from harness.storage.folder import read_study
from harness.storage.rows import complete_rows, counting
from harness.study.schema import IMAGES, Method, Study
from harness.training import pretrained
from spaces.space import Space

START = re.compile(r"(?P<folder>.+):(?P<key>[0-9a-f]{16})")


def with_starts(study: Study, home: Path | None) -> Study:
    """The study with the architecture of each `start`, and the file of its weights as the method's pretrained start.

    Their digest then stands in the key, not their place. Raises BadInput where there is no such network.
    """
    methods = tuple(_started(study, one, home) if one.start else one for one in study.method)
    return study.model_copy(update={"method": methods})


def _started(study: Study, method: Method, home: Path | None) -> Method:
    where = f"method '{method.name}': start = '{method.start}'"
    if not (found := START.fullmatch(method.start or "")):
        raise BadInput(f"{where}: write RESULTS:KEY, a results folder and the key of one of its trainings")
    if fault := _ignored(study, method):
        raise BadInput(f"{where}: {fault}")
    folder = (home or Path()) / Path(found["folder"]).expanduser()
    row = _row(folder, found["key"], where)
    there = {name: row["settings"].get(name) for name in ("space", "space_options")}
    here = {"space": study.space, "space_options": study.space_options}
    if here != there:
        raise BadInput(f"{where}: that network is of {there['space']} with options {there['space_options']}, and this "
                       f"study's of {here['space']} with {here['space_options']}; make them equal")  # fmt: skip
    start = {"pretrained": str(networks.file(Path(found["folder"]), found["key"])), "pretrained_sha256": row["weights"]}
    return method.model_copy(update={"architecture": row["architecture"], "recipe": {**method.recipe, **start}})


def _ignored(study: Study, method: Method) -> str:
    """What contradicts a start; '' where nothing does."""
    asked = {"architecture": method.architecture, "rule": method.rule, "strategy": method.strategy,
             "twins": method.twins.count, "search": method.search,
             "recipe.pretrained": method.recipe.get("pretrained")}  # fmt: skip
    if unread := next((name for name, value in asked.items() if value), None):
        return f"it gives architecture and weights, so that the method's {unread} would be ignored; leave that out"
    if method.name == "baseline":
        return "'baseline' is the space's own network; give the method another name"
    return "this study trains no networks" if study.table or study.task != IMAGES else ""


def _row(folder: Path, key: str, where: str) -> dict[str, Any]:
    """Of a finished training whose weights are there. Raises BadInput."""
    try:
        read_study(folder)
        row: Any = counting(complete_rows(folder)).get(key)
        if row is None or not networks.is_final(row):
            raise BadInput(f"{folder} has no finished training of this key")
        networks.read(folder, row)
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from None
    except OSError as error:
        raise BadInput(f"{where}: {error.filename} cannot be read ({error.strerror})") from None
    return dict(row)


def check_starts(study: Study, space: Space, data: DataSet, home: Path | None) -> None:
    """Raises BadInput where a start does not fit: only the classifier may differ, for other classes."""
    for method in study.method:
        if method.start:
            source, digest = method.recipe["pretrained"], method.recipe["pretrained_sha256"]
            state = pretrained.read(source, "", home, digest)
            own, other = (_shapes(space, method.architecture or "", data, more) for more in (0, 1))
            needed = {name for name, shape in own.items() if other.get(name) == shape}
            if odd := sorted(name for name in needed if name not in state or state[name].shape != own[name]):
                raise BadInput(f"method '{method.name}': start = '{method.start}': {len(odd)} of its weights do not "
                               f"fit the network for this study's images, such as {odd[0]}")  # fmt: skip


def _shapes(space: Space, architecture: str, data: DataSet, more: int) -> dict[str, torch.Size]:
    """Of the network's weights, for so many more classes."""
    with torch.device("meta"):
        network = space.build(space.parse(architecture), data.classes + more, data.channels)
    return {name: value.shape for name, value in network.state_dict().items()}
