"""Files of weights that a study starts from: found from where the study lies, and part of its settings by content."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import BadInput
from harness.study.schema import Study
from harness.training import pretrained

DIGEST = "pretrained_sha256"


def with_digests(study: Study, home: Path | None) -> Study:
    """The study with the digest of each file of weights beside its name.

    Raises BadInput where one cannot be read, or is not the one that the study names by digest.
    """
    own = _part(study.recipe.model_dump(include={"pretrained", DIGEST}), home)
    searching = {"recipe": _part(study.search.recipe, home)}
    methods = (one.model_copy(update={"recipe": _part(one.recipe, home), "search": _search(one.search, home)})
               for one in study.method)  # fmt: skip
    tunings = (one.model_copy(update={"recipe": _part(one.recipe, home)}) for one in study.tuning)
    return study.model_copy(update={
        "recipe": study.recipe.model_copy(update=own), "search": study.search.model_copy(update=searching),
        "method": tuple(methods), "tuning": tuple(tunings),
    })  # fmt: skip


def _search(search: Mapping[str, Any], home: Path | None) -> dict[str, Any]:
    return {**search, "recipe": _part(search["recipe"], home)} if "recipe" in search else dict(search)


def _part(recipe: Mapping[str, Any], home: Path | None) -> dict[str, Any]:
    """A part of a recipe; one that names no file has no digest, whatever the recipe that it changes has."""
    if "pretrained" not in recipe:
        return dict(recipe)
    source = recipe["pretrained"]
    found = pretrained.digest(source, home) if pretrained.is_file(source) else None
    if found and recipe.get(DIGEST) not in (None, found):
        raise BadInput(f"recipe.pretrained = '{source}': its SHA-256 is {found}, not as recipe.{DIGEST} says")
    return {**recipe, DIGEST: found}
