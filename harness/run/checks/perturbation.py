"""What may be wrong with how a method reads its supernet: found before anything starts."""

from collections.abc import Iterator

from harness.plan.methods import MethodSettings, strategy_of
from harness.run.checks.mixing import asked_for
from spaces.decisions import stages
from spaces.gates.ways import named
from spaces.space import Space


def reading_fault(own: MethodSettings, space: Space) -> str:
    """Why the method's supernet cannot be read as it asks; '' where it can, or where none is read."""
    asked, search = own.method.search, own.search
    if search.reading == "alpha" or strategy_of(own) != "darts":
        unread = next((name for name in ("tune_epochs", "group", "reading") if asked.get(name, "alpha") != "alpha"), "")
        if unread:
            return f"search.{unread} is for darts with search.reading = 'perturbation'; leave it out"
        if strategy_of(own) == "darts" and not search.train_alpha:
            return "search.train_alpha = false leaves no α to read; set search.reading = 'perturbation'"
        return ""
    return next(_faults(own, space), "")


def _faults(own: MethodSettings, space: Space) -> Iterator[str]:
    asked, search = own.method.search, own.search
    try:
        stages(space, own.method.rule or space.rules[0])
    except ValueError as error:
        yield f"search.reading = 'perturbation': {error}"
    if named(search.gate or space.gates[0]).single:
        yield (f"search.reading = 'perturbation' with gate '{search.gate}': it trains single paths, and what an option "
               "is worth beside the others is asked of a mixture; take another gate")  # fmt: skip
    for name in asked_for(search):
        yield (f"search.{name} with reading = 'perturbation': what an option is worth is asked of edges that mix their "
               "operations alone; leave one out")  # fmt: skip
    if search.early_stop:
        yield ("search.early_stop goes back to the α of an earlier epoch, and search.reading = 'perturbation' starts "
               "from the last epoch's weights; leave one out")  # fmt: skip
    for name, epochs in (("snapshots", search.read_at), ("trained", search.trained_at)):
        if asked.get(name) and epochs != (search.epochs,):
            yield (f"search.{name}: with reading = 'perturbation' the supernet is read after the last epoch alone, "
                   f"{search.epochs}; leave {name} out")  # fmt: skip
    unread = {"order = 2": search.order == 2, "zero_one": search.zero_one > 0}
    for name in (name for name, there in unread.items() if there and not search.train_alpha):
        yield f"search.{name} is of steps of α, and search.train_alpha = false has none; leave it out"
