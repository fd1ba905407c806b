"""What may be wrong with a black-box search: found before anything starts."""

from harness.black_box.methods import METHODS
from harness.plan.methods import MethodSettings, strategy_of
from harness.study.schema import Study
from spaces.custom_rules import drawn_by
from spaces.edits import offers
from spaces.space import Space


def black_box_fault(own: MethodSettings, study: Study, space: Space) -> str:
    """Why the method's strategy cannot search this space as it is asked to; '' where it can, or is no black box."""
    search, name = own.search, strategy_of(own)
    if (method := METHODS.get(name)) is None:
        return "search.one_job is of black-box strategies; leave it out" if own.method.search.get("one_job") else ""
    rule = drawn_by(space, own.method.rule or space.rules[0])
    if method.edits and not offers(space, rule):
        return f"{name} edits architectures, and {study.space} does not say how by rule '{rule}' (docs/black-box.md)"
    if search.one_job and not (study.table and search.score == "train"):
        return "search.one_job needs a table that answers every query; leave it out, or name a table and no supernet"
    return ""
