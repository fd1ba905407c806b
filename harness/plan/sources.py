"""Where a job's architecture comes from: one of a few values, each with the JSON that keys and rows hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.study.twins import COUNT


@dataclass(frozen=True)
class Written:
    """As the study writes it."""

    text: str


@dataclass(frozen=True)
class Baseline:
    """The space's own network, without anything searched."""


@dataclass(frozen=True)
class Sampled:
    """Uniformly among the architectures of a rule."""

    rule: str
    index: int | None = None  # of a candidate


@dataclass(frozen=True)
class Read:
    """By a rule from α as it stood after an epoch of a search."""

    search: str  # key
    rule: str
    epoch: int


@dataclass(frozen=True)
class Best:
    """The candidate with the highest fitness: `by` validation accuracy where empty, else by that zero-cost score."""

    keys: tuple[str, ...]
    by: str = ""


@dataclass(frozen=True)
class BestTwin:
    """The best of several random twins: what stands beside `of`, the best of several searches."""

    keys: tuple[str, ...]
    index: int
    of: Best
    match: str = COUNT


@dataclass(frozen=True)
class Asked:
    """Query `index` of a black-box search, after the results of `seen`."""

    settings: Mapping[str, Any]
    rule: str
    index: int
    seen: tuple[str, ...]


class Evolved(Asked):
    """Candidate `index` of a genetic search, which had keys of its own before there were other black-box searches."""


@dataclass(frozen=True)
class Winner:
    """The best of a black-box search that was one job."""

    search: str  # key


@dataclass(frozen=True)
class OfTraining:
    """That of a final training."""

    training: str  # key


@dataclass(frozen=True)
class Ranked:
    """The candidate of `keys` with the highest validation accuracy but for `place` others.

    Its training goes on after the `trained` epochs that it has had there; 0: it starts anew.
    """

    place: int
    keys: tuple[str, ...]
    trained: int = 0


@dataclass(frozen=True)
class Proposed:
    """What a function from outside gives after the results of `seen`; it gets all of `values`."""

    function: str  # package.module:function
    index: int
    seen: tuple[str, ...]
    values: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Twin:
    """Sampled uniformly among those of `rule` that have exactly as many shortcuts as `of`, or share more with it."""

    index: int
    of: "Source"
    rule: str
    row: str | None  # of the table, whose twin it is; null under schema 1 where only the count matches
    match: str = COUNT


Source = Written | Baseline | Sampled | Read | Best | BestTwin | Ranked | Asked | Winner | OfTraining | Proposed | Twin


def keys_of(source: Source) -> tuple[str, ...]:
    """Of the jobs whose rows say which architecture it is. Raises ValueError where it is the best of none."""
    match source:
        case Best(keys) | BestTwin(keys) | Ranked(keys=keys):
            if not keys:
                raise ValueError("it is the best of no candidates")
            return keys
        case Read(search) | Winner(search):
            return (search,)
        case OfTraining(training):
            return (training,)
        case Asked(seen=seen) | Proposed(seen=seen):
            return seen
        case Twin(of=of):
            return keys_of(of)
    return ()


def as_source(source: Source | Mapping[str, Any]) -> Source:
    """As JSON where a strategy from outside gives it. Raises ValueError."""
    if isinstance(source, Source):
        return source
    if not isinstance(source, Mapping):
        raise ValueError(f"a {type(source).__name__} is none; write an architecture as a table with its text")
    return from_json(source)


def as_json(source: Source) -> dict[str, Any]:
    match source:
        case Written(text):
            return {"text": text}
        case Baseline():
            return {"baseline": True}
        case Sampled(rule, index):
            return {"draw": rule} if index is None else {"draw": rule, "index": index}
        case Read(search, rule, epoch):
            return {"read": search, "rule": rule, "epoch": epoch}
        case Best(keys, by):
            return {"best": list(keys), **({"by": by} if by else {})}
        case BestTwin(keys, index, of, match):
            more = {} if match == COUNT else {"match": match}
            return {"best": list(keys), "twin": index, "of": as_json(of), **more}
        case Evolved(settings, rule, index, seen):
            return {"evolve": dict(settings), "rule": rule, "index": index, "seen": list(seen)}
        case Asked(settings, rule, index, seen):
            return {"ask": dict(settings), "rule": rule, "index": index, "seen": list(seen)}
        case Winner(search):
            return {"winner": search}
        case OfTraining(training):
            return {"of_training": training}
        case Ranked(place, keys, trained):
            return {"rank": place, "among": list(keys), **({"trained": trained} if trained else {})}
        case Proposed(values=values):
            return dict(values)
        case Twin(index, of, rule, row, match):
            more = {**({} if row is None else {"row": row}), **({} if match == COUNT else {"match": match})}
            return {"twin": index, "of": as_json(of), "rule": rule, **more}


def from_json(values: Mapping[str, Any]) -> Source:
    """Raises ValueError where `values` are no source."""
    match values:
        case {"twin": index, "of": of, "rule": rule}:
            return Twin(index, from_json(of), rule, values.get("row"), values.get("match", COUNT))
        case {"read": search, "rule": rule, "epoch": epoch}:
            return Read(search, rule, epoch)
        case {"best": keys, "twin": index, "of": {"best": own}}:
            return BestTwin(tuple(keys), index, Best(tuple(own)), values.get("match", COUNT))
        case {"best": keys}:
            return Best(tuple(keys), values.get("by", ""))
        case {"evolve": settings, "rule": rule, "index": index, "seen": seen}:
            return Evolved(settings, rule, index, tuple(seen))
        case {"ask": settings, "rule": rule, "index": index, "seen": seen}:
            return Asked(settings, rule, index, tuple(seen))
        case {"winner": search}:
            return Winner(search)
        case {"of_training": training}:
            return OfTraining(training)
        case {"rank": place, "among": keys}:
            return Ranked(place, tuple(keys), values.get("trained", 0))
        case {"propose": function, "index": index, "seen": seen}:
            return Proposed(function, index, tuple(seen), values)
        case {"draw": rule}:
            return Sampled(rule, values.get("index"))
        case {"text": text}:
            return Written(text)
        case {"baseline": True}:
            return Baseline()
    raise ValueError(f"{dict(values)} does not say where an architecture comes from")
