"""The black-box strategies by name: which settings each reads, and what it asks of a space."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # plans do without torch
    from harness.black_box.history import Propose


@dataclass(frozen=True)
class Method:
    """`module` of this package has its `propose`; `reads` names fields of `search`; `edits`: needs `spaces.edits`."""

    module: str
    reads: tuple[str, ...] = ()
    edits: bool = True


METHODS: Mapping[str, Method] = {
    "random-search": Method("sampled", edits=False),
    "evolution": Method("genetic", ("population", "mutation_rate", "crossover_rate", "tournament"), edits=False),
    "regularised-evolution": Method("regularised", ("population", "tournament")),
    "local-search": Method("local"),
    "tpe": Method("tpe", ("startup",)),
    "predictor": Method("predictor", ("startup", "refit")),
    "nsga2": Method("nsga2", ("population", "crossover_rate", "objective")),
}
COMMON = ("strategy", "lag")  # fields that all read


def fields(strategy: str) -> tuple[str, ...]:
    """Of `search`, those that decide the next query."""
    return (*COMMON, *METHODS[strategy].reads)


def propose_by(strategy: str) -> "Propose":
    """The function behind a strategy; imported only when it proposes, since some need much."""
    found: Propose = import_module(f"harness.black_box.{METHODS[strategy].module}").propose
    return found
