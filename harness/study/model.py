"""What every part of a study file is: frozen, with unknown keys and numbers that are none refused."""

from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Python, and so pydantic, takes true for 1."""
        if any(isinstance(one, bool) for one in (value if isinstance(value, list | tuple) else [value])):
            kinds = set(_kinds(cls.model_fields[info.field_name or ""].annotation))
            if kinds & {int, float} and not kinds & {bool, Any}:
                raise PydanticCustomError("float_type" if float in kinds else "int_type", "true is no number")
        return value


def _kinds(annotation: Any) -> list[Any]:
    """What a field may hold: of a union its parts, of a tuple its items, of a literal the kinds of its values."""
    if parts := get_args(annotation):
        return [kind for part in parts for kind in _kinds(part)]
    return [annotation if isinstance(annotation, type) or annotation is Any else type(annotation)]
