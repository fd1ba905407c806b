"""What may be wrong with a method's partial channels, edge normalisation, auxiliary skip connections or noise on the
weights of operations: found before anything starts."""

from harness.plan.methods import SEARCHLESS, MethodSettings, strategy_of
from harness.study.schema import Study
from harness.study.search import Search
from harness.training import supernets
from spaces.cells.mixing import PLAIN
from spaces.cells.rules import RULES
from spaces.gates import uniform, ways
from spaces.gates.gated import Gated
from spaces.space import Space


def mixing_fault(own: MethodSettings, study: Study, space: Space) -> str:
    """Why the method's search cannot have these settings; '' where it can, or where it has no supernet."""
    search, kind = own.search, strategy_of(own)
    if "auxiliary_decay" in own.method.search and not search.auxiliary_skip:
        return "search.auxiliary_decay is of auxiliary_skip, which is 0; leave it out, or set auxiliary_skip = 1"
    settings = asked_for(search)
    if not settings or kind in SEARCHLESS or (kind != "darts" and search.score != "supernet"):
        return ""
    first = f"search.{settings[0]}"
    if kind != "darts":
        return f"{first} is of strategy 'darts', and this one is '{kind}'; leave it out"
    gate = search.gate or space.gates[0]
    if gate == uniform.GATE or ways.named(gate).single:
        return f"{first} with gate '{gate}': it trains single paths, and this belongs to a mixture; take another gate"
    return _noise_fault(search, gate, study, space) or _cells_fault(own, study, space)


def asked_for(search: Search) -> list[str]:
    """Those of these settings that are not at their defaults."""
    return [name for name, value in (("partial", search.partial > 1), ("perturb", search.perturb > 0),
                                     ("edge_normalisation", search.edge_normalisation),
                                     ("auxiliary_skip", search.auxiliary_skip > 0)) if value]  # fmt: skip


def _noise_fault(search: Search, gate: str, study: Study, space: Space) -> str:
    if not search.perturb:
        return ""
    if ways.named(gate).sampled:
        return f"search.perturb with gate '{gate}': its weights are drawn as they are; leave that out"
    if not isinstance(space.supernet(10, 3, gate), Gated):
        return f"search.perturb: the supernet of {study.space} is no spaces.gates.gated.Gated, so that nothing draws"
    return ""


def _cells_fault(own: MethodSettings, study: Study, space: Space) -> str:
    search, rules = own.search, (own.method.rule, *space.rules)
    if supernets.mixing(search) == PLAIN:
        return ""
    name = next(one for one in asked_for(search) if one != "perturb")
    if not getattr(space, "mixes", False):
        return f"search.{name} is of cells, whose edges mix operations; {study.space}: {_reason(name)}"
    channels: int = space.channels  # type: ignore[attr-defined]
    if channels % search.partial:
        fitting = search.partial * max(1, channels // search.partial)
        return (f"search.partial = {search.partial} does not divide the supernet's {channels} channels; "
                f"take space_options.channels = {fitting}")  # fmt: skip
    if search.edge_normalisation and (other := [rule for rule in rules if rule and rule not in RULES]):
        return f"search.edge_normalisation with rule '{other[0]}': it reads α alone, and not how much each edge counts"
    return ""


def _reason(name: str) -> str:
    """For spaces of shortcuts, and of one's own."""
    return {
        "partial": "it has no mixed operation that some channels could pass by",
        "edge_normalisation": "it has no edges that enter a node beside each other",
        "auxiliary_skip": "its choices are skip connections themselves, beside which another is the same one, heavier",
    }[name]
