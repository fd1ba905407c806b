"""A method's random twins in the study file: a number, or a table that also says what they share with the network."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_serializer, model_validator

from harness.study.bounds import SEEDS
from harness.study.model import Model

COUNT = "count"


class Twins(Model):
    """`count` twins of each network that was found, all with as many shortcuts.

    `match = "targets"`: as many into each block. `"parameters"`: the shortcuts' own parameters within 5 %; of cells as
    many of each operation. A number alone, and `match = "count"`, ask for nothing more than the count.
    """

    count: int = Field(1, ge=0, le=SEEDS)
    match: Literal["count", "targets", "parameters"] = "count"

    @model_validator(mode="before")
    @classmethod
    def _of_a_number(cls, value: Any) -> Any:
        return value if isinstance(value, Mapping | Twins) else {"count": value}

    @model_validator(mode="after")
    def _some_to_match(self) -> "Twins":
        if not self.count and self.match != COUNT:
            raise ValueError(f"match = '{self.match}' is of twins, and count = 0 leaves them out; leave match out, too")
        return self

    @model_serializer
    def _as_written(self) -> int | dict[str, Any]:
        """A number where it says all: so rows and keys have it since before there was a table."""
        return self.count if self.match == COUNT else {"count": self.count, "match": self.match}
