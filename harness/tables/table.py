"""A table of trainings that somebody did before: for each architecture the runs of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean


@dataclass(frozen=True)
class Entry:
    """The runs of one architecture, in the table's order: accuracies in percent, costs in seconds of training.

    `latency`: seconds, the mean over what the table measured.
    """

    accuracies: tuple[float, ...]
    costs: tuple[float, ...]
    parameters: int | None = None
    latency: float | None = None


@dataclass(frozen=True)
class Table:
    """`entries` by the text of the architecture, as its space writes it."""

    name: str
    entries: Mapping[str, Entry]

    @cached_property
    def position(self) -> Mapping[str, int]:
        """Where each architecture stands among all, sorted by their texts: how histories name them."""
        return {text: number for number, text in enumerate(sorted(self.entries))}

    def entry(self, architecture: str) -> Entry:
        """Raises LookupError where the table has no run of it."""
        if (found := self.entries.get(architecture)) is None:
            raise LookupError(f"{self.name} has no run of {architecture}")
        return found


@dataclass(frozen=True)
class Answer:
    """`seen` says that the search had seen every run behind the accuracy, which it may so flatter."""

    accuracy: float
    cost_seconds: float
    seen: bool = False


def score(entry: Entry, signal: str, number: int) -> Answer:
    """What a search sees: the mean over the runs, or the one run that `number` picks."""
    if signal == "mean":
        return Answer(fmean(entry.accuracies), fmean(entry.costs))
    run = number % len(entry.accuracies)
    return Answer(entry.accuracies[run], entry.costs[run])


def judged(entry: Entry, signal: str, numbers: Collection[int]) -> Answer:
    """What a final training gives: the mean over the runs that nothing saw which chose the architecture.

    `numbers`: each of what chose it by the table picked a run by one; none where the table did not choose.
    """
    runs = range(len(entry.accuracies))
    seen = {number % len(runs) for number in numbers} if signal == "run" else set(runs if numbers else ())
    counted = [run for run in runs if run not in seen] or list(runs)
    return Answer(fmean(entry.accuracies[run] for run in counted), fmean(entry.costs[run] for run in counted),
                  seen=len(seen) == len(runs))  # fmt: skip
