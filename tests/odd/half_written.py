"""A space whose author is not done yet."""

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
