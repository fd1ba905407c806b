"""What may be wrong with how a method's α becomes weights: found before anything starts."""

from collections.abc import Iterator

from harness.plan.methods import SEARCHLESS, MethodSettings, strategy_of
from harness.study.schema import Study
from spaces.gates import uniform, ways
from spaces.space import Space

LEAST_CELLS = 3  # reduction cells stand at a third and at two thirds: of fewer none is a normal one


def gate_fault(own: MethodSettings, study: Study, space: Space) -> str:
    """Why the method's supernet cannot have this gate; '' where it can, or where there is no supernet."""
    search, kind = own.search, strategy_of(own)
    gate = search.gate or space.gates[0]
    if gate not in ways.offered(space):
        return f"search.gate = '{gate}': {study.space} has {', '.join(ways.offered(space))}"
    if "temperature" in own.method.search and gate != "gumbel":
        return f"search.temperature is of gate 'gumbel', and this one is '{gate}'; leave it out"
    if fault := _reduced(space, "train_cells", space.trained.cells if hasattr(space, "trained") else LEAST_CELLS):
        return fault
    if kind in SEARCHLESS or (kind != "darts" and search.score != "supernet"):
        return ""
    if fault := _reduced(space, "cells", getattr(space, "cells", LEAST_CELLS)):
        return fault
    if gate == uniform.GATE and kind == "darts":
        return (f"search.gate = '{gate}' learns no α that darts could read; "
                "take random-search or evolution with score = 'supernet'")  # fmt: skip
    asked = {"order = 2": search.order == 2, "zero_one": search.zero_one > 0, "early_stop": search.early_stop,
             "alpha_weight_decay": search.alpha_weight_decay > 0}  # fmt: skip
    return next((f"search.{name} with gate '{gate}': {why}" for name, why in _senseless(gate) if asked[name]), "")


def _reduced(space: Space, option: str, cells: int) -> str:
    """Where a network of so many cells has no normal one."""
    if not getattr(space, "reduction", False) or cells >= LEAST_CELLS:
        return ""
    what = "the supernet" if option == "cells" else "networks that are trained"
    return (f"with {option} = {cells} all cells of {what} are reduction cells, so that nothing is learned of normal "
            f"ones; take space_options.{option} = {LEAST_CELLS} or more")  # fmt: skip


def _senseless(gate: str) -> Iterator[tuple[str, str]]:
    """Settings that a way does not go with, and why."""
    if gate == uniform.GATE:
        yield from ((name, "it learns no α; leave that out") for name in ("order = 2", "zero_one", "early_stop"))
    if gate == "gumbel":
        yield "zero_one", "its weights are 0 or 1 as they are; leave that out"
        yield "early_stop", "the eigenvalue is that of a mixture, and it trains single paths; leave that out"
    if gate == "exponentiated":
        yield "alpha_weight_decay", "multiplicative steps have none (GAEA, Li et al. 2021); leave that out"
