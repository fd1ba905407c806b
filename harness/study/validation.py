"""Values as a part of a study file, or one line that says all that is wrong with them."""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from harness.errors import BadInput
from harness.study.data import ONE, SEVERAL
from harness.study.model import Model

M = TypeVar("M", bound=Model)


def validated(model: type[M], values: Mapping[str, Any], where: str) -> M:
    """`values` as a `model`. Raises BadInput with every fault in one line."""
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise BadInput(f"{where}: " + "; ".join(map(_plain, error.errors()))) from None


def _plain(error: Any) -> str:
    field = ".".join(str(part) for part in error["loc"] if part not in (ONE, SEVERAL))
    if error["type"] == "extra_forbidden":
        return f"unknown key '{field}'"
    message = error["msg"].removeprefix("Value error, ")
    return f"{field}: {message} (given: {json.dumps(error['input'], default=str)})" if field else message
