"""What every part of a study file is: frozen, with unknown keys and numbers that are none refused."""

from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Self, get_args, get_origin

from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationInfo, field_validator, model_serializer
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import SerializerFunctionWrapHandler


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _of_its_kind(cls, value: Any, info: ValidationInfo) -> Any:
        kinds, lists = _taken(cls, info.field_name or "")
        if not lists:
            fault = _mistaken(value, kinds)
        else:
            items = value if isinstance(value, list | tuple) else ()
            fault = "numbers_type" if any(_mistaken(item, kinds) for item in items) else ""
        if fault:
            raise PydanticCustomError(fault, "of another kind")
        return value


class Grown(Model):
    """A part that has got fields since: at their defaults they are left out, so that protocols of older folders stay
    as they are."""

    LATER: ClassVar[tuple[str, ...]] = ()

    @model_serializer(mode="wrap")
    def _as_before(self, dumped: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = type(self).model_fields
        defaults = {name: fields[name].get_default(call_default_factory=True) for name in self.LATER}
        same = {name for name, default in defaults.items() if getattr(self, name) == default}
        return {name: value for name, value in dumped(self).items() if name not in same}

    def in_full(self) -> dict[str, Any]:
        """As `model_dump`, with every field."""
        return {name: value.in_full() if isinstance(value, Grown) else value for name, value in self}


class OfAFile(Model):
    """Values that remember where their file lies, as relative paths go from there. Equal ones may lie apart."""

    _home: Path | None = PrivateAttr(None)

    @property
    def home(self) -> Path | None:
        """The file's folder; None where the values are of no file, or of one of the package."""
        return self._home

    def lying_in(self, home: Path) -> Self:
        found = self.model_copy()
        found._home = home
        return found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and dict(self) == dict(other)


@cache
def _taken(model: type[Model], field: str) -> tuple[frozenset[Any], bool]:
    """What a field may hold, and whether in a list: worked out once, as every job's recipe is validated."""
    annotation = model.model_fields[field].annotation
    return frozenset(_kinds(annotation)), _takes_lists(annotation)


def _mistaken(value: Any, kinds: frozenset[Any]) -> Any:
    """The library's name for the fault where it would take true for 1, "3" for 3, or "yes" or 1 for true; else ''."""
    wanted = next((kind for kind in (bool, float, int) if kind in kinds), None)
    if wanted is None or Any in kinds or type(value) in kinds or not isinstance(value, bool | str | int | float):
        return ""
    return "" if {wanted, type(value)} == {int, float} else f"{wanted.__name__}_type"  # 1 is 1.0


def _takes_lists(annotation: Any) -> bool:
    return get_origin(annotation) is tuple or any(map(_takes_lists, get_args(annotation)))


def _kinds(annotation: Any) -> list[Any]:
    """What a field may hold: of a union its parts, of a tuple its items, of a literal the kinds of its values."""
    if parts := get_args(annotation):
        return [kind for part in parts for kind in _kinds(part)]
    return [annotation if isinstance(annotation, type) or annotation is Any else type(annotation)]
