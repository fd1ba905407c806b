"""A space, strategies and loaders whose author is not done yet."""

from collections.abc import Iterator
from typing import Any


class Half:
    rules = ("A",)
    gates = ("sigmoid",)

    def supernet(self, *_: Any) -> Any:
        raise NotImplementedError("later")

    def build(self, *_: Any) -> Any: ...
    def parse(self, text: str) -> Any:
        return text

    def discretise(self, *_: Any) -> Any: ...
    def draw(self, *_: Any) -> Any:
        return 1 / 0

    def baseline(self) -> Any:
        return None

    def mutate(self, *_: Any) -> Any: ...
    def crossover(self, *_: Any) -> Any: ...
    def broken(self, *_: Any) -> Any:
        return 5


class Nameless(Half):
    rules = "AB"  # type: ignore[assignment]


class Broken(Half):
    def baseline(self) -> Any:
        raise RuntimeError("later")


class Unmade(Half):
    def __init__(self) -> None:
        raise KeyError("later")


class Leaving(Half):
    def supernet(self, *_: Any) -> Any:
        raise SystemExit(0)


def nothing() -> None: ...


def lacking_planned(request: object) -> Iterator[object]:
    yield {}["later"]


def lost_planned(request: object) -> list[object]:
    raise OSError("no such disk")


def lacking_loaded(root: object, download: bool) -> object:
    return {}["later"]


def lost_loaded(root: object, download: bool) -> object:
    raise OSError("no such disk")
