"""The study's primary question, and what may be wrong with it."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal, Protocol

from pydantic import SerializerFunctionWrapHandler, model_serializer

from harness.study.data import Data
from harness.study.model import Model


class Primary(Model):
    """The study's primary question: `method` against `against`, tested first and by itself.

    `against`: "twins", or another method's name. `at`: the search epochs of the snapshot that counts, or "mean" over
    the snapshots within each search seed; null where the method has only one. `data`: on which of several data sets.
    """

    method: str
    against: str = "twins"
    at: int | Literal["mean"] | None = None
    data: str | None = None

    @model_serializer(mode="wrap")
    def _lean(self, values: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Protocols of before know no data sets: where none is named, none is said."""
        found: dict[str, Any] = values(self)
        return {name: value for name, value in found.items() if name != "data" or value is not None}


class Named(Protocol):
    """A method of the study."""

    @property
    def name(self) -> str: ...
    @property
    def twins(self) -> Any: ...


class Asking(Protocol):
    """The study."""

    @property
    def primary(self) -> Primary | None: ...
    @property
    def seeds(self) -> Any: ...


def seed_notes(study: Asking) -> Iterator[str]:
    """What of the question no test can answer, though rows can be made for it."""
    if study.primary and study.seeds.search == 1:
        yield "primary: with one search seed no test answers it; set seeds.search, as in seeds.search=5"


def primary_fault(primary: Primary, methods: Sequence[Named], sets: Sequence[Data]) -> str:
    """What of it the study cannot answer; '' where it can."""
    labels = [data.label for data in sets]
    if len(labels) > 1 and primary.data not in labels:
        return f"name the data set that it is about, as in data = '{labels[0]}'; there are {', '.join(labels)}"
    if len(labels) == 1 and primary.data is not None:
        return "the study has one data set; leave data out"
    known = {method.name: method for method in methods}
    if "twins" in known:
        return "a method is named 'twins', which stands for random ones here; give it another name"
    if primary.method not in known:
        return f"'{primary.method}' is no [[method]] of this study"
    if primary.against == "twins":
        return "" if known[primary.method].twins.count else f"method '{primary.method}' has no twins; set its twins = 1"
    if primary.against not in known or primary.against == primary.method:
        return f"against = '{primary.against}' is neither \"twins\" nor another [[method]] of this study"
    return ""
