"""Rules from outside: a function from a space and its α to an architecture, named as `package.module:rule`.

A cell's or a block's own rules live in their spaces. What is sampled (twins, random and genetic methods) needs
more than a function, so one from outside names a rule of the space in its attribute `draws`.
"""

from collections.abc import Callable

from spaces.plugins import function_fault, imported
from spaces.space import Alpha, Architecture, Space


def read(space: Space, alpha: Alpha, rule: str) -> Architecture:
    """The architecture that `rule` reads from `alpha`: one of the space's rules, or a function(space, alpha)."""
    return space.discretise(alpha, rule) if rule in space.rules else function(space, rule)(space, alpha)


def drawn_by(space: Space, rule: str) -> str:
    """The space's rule by which architectures of `rule` are sampled. Raises ValueError where `rule` names none: what a
    function gives for random α, though a space may list it, is not sampled uniformly."""
    if rule in space.rules and ":" not in rule:
        return rule
    own = [name for name in space.rules if ":" not in name]
    named = getattr(function(space, rule), "draws", None)
    if named not in own:
        name = rule.partition(":")[2]
        known = ", ".join(own)
        raise ValueError(f"rule '{rule}' does not say how to sample; set {name}.draws to one of {known}")
    return str(named)


def function(space: Space, rule: str) -> Callable[[Space, Alpha], Architecture]:
    """The function behind a rule from outside. Raises ValueError."""
    unknown = f"rule '{rule}' is unknown; this space has {', '.join(space.rules)}"
    found: Callable[[Space, Alpha], Architecture] = imported(rule, unknown, function_fault("space", "alpha"))
    return found
