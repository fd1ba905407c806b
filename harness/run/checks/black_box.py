"""What may be wrong with a black-box search: found before anything starts."""

from collections.abc import Iterable, Iterator

from harness.black_box.methods import METHODS
from harness.plan.methods import MethodSettings, strategy_of
from harness.study.schema import Study
from harness.study.search import Search
from harness.tables.table import Table
from spaces.custom_rules import drawn_by
from spaces.edits import offers
from spaces.space import Space

SCORING = {"candidates", "lag", "score", "score_epochs"}  # of strategies that ask for candidates one by one
SNAPSHOTS = {"snapshots", "trained"}  # of a search that ends with α
COLUMNS = {"parameters": "parameters", "latency": "latency_seconds"}  # of a table: what NSGA-II may make small


def black_box_fault(own: MethodSettings, study: Study, space: Space) -> str:
    """Why the method's strategy cannot search this space as it is asked to; '' where it can, or is no black box."""
    search, name = own.search, strategy_of(own)
    looked_up = study.table is not None and search.score == "train"
    if name == "successive-halving" and (study.table or search.score != "train"):
        other = f"search.score = '{search.zero_cost}'" if search.zero_cost else "a supernet"
        return (
            f"{name} trains for an increasing number of epochs, which neither a table nor {other} does; leave both out"
        )
    if (method := METHODS.get(name)) is None:
        return "search.one_job is of other strategies; leave it out" if own.method.search.get("one_job") else ""
    rule = drawn_by(space, own.method.rule or space.rules[0])
    if method.edits and not offers(space, rule):
        return f"{name} edits architectures, and {study.space} does not say how by rule '{rule}' (docs/black-box.md)"
    if search.one_job and not looked_up:
        score = "zero-cost score" if search.zero_cost else "supernet"
        return f"search.one_job needs a table that answers every query; leave it out, or name a table and no {score}"
    if name == "nsga2" and search.objective == ("macs" if looked_up else "latency"):
        who = "no table" if looked_up else "only a table"
        return f"search.objective = '{search.objective}': {who} says that of a network"
    return ""


def unread_fault(own: MethodSettings) -> str:
    """Which setting of its own the method's strategy does not read, though another one would; '' where it reads all,
    or is one from outside."""
    name = strategy_of(own)
    if name not in (*METHODS, "darts", "successive-halving"):
        return ""
    others = {field for method in METHODS.values() for field in method.reads}
    unread = others.difference(METHODS[name].reads if name in METHODS else ())
    unread |= SCORING if name == "darts" else _unread_by_scores(own.search)
    found = next((field for field in own.method.search if field in unread), "")
    instead = "; search.score_epochs says how long each candidate trains" if found == "epochs" else ""
    return f"{name} does not read search.{found}, which would be ignored; leave it out{instead}" if found else ""


def _unread_by_scores(search: Search) -> set[str]:
    """Of a search that asks for candidates: how long something trains, where nothing does so or something else."""
    unread = set() if search.score == "train" else {"score_epochs"}
    return unread | (SNAPSHOTS if search.score == "supernet" else {"epochs", "warmup_epochs", *SNAPSHOTS})


def random_notes(methods: Iterable[MethodSettings]) -> Iterator[str]:
    """Of each search that never gets beyond the queries that it samples uniformly at first: what it then is.

    Query i sees the answers up to i − lag, and so many must be there before anything is chosen by them.
    """
    for own in methods:
        name, search = strategy_of(own), own.search
        if name not in METHODS or name == "random-search":
            continue
        starts = [field for field in ("startup", "population") if field in METHODS[name].reads]
        first = max((getattr(search, field) for field in starts), default=1)
        if search.candidates <= first + search.lag - 1:
            until = f"until {first} are answered (search.{starts[0]})" if starts else "until one is answered"
            yield (f"method '{own.name}' is random search: {name} samples queries uniformly {until}, sees answers "
                   f"{search.lag} queries late (search.lag), and has {search.candidates} in all (search.candidates)"
                   )  # fmt: skip


def objective_fault(own: MethodSettings, table: Table) -> str:
    """Where the table that answers lacks the second objective of some network."""
    name = own.search.objective
    if strategy_of(own) != "nsga2" or own.search.score != "train":
        return ""
    if all(getattr(entry, name) is not None for entry in table.entries.values()):
        return ""
    said = f"search.objective = '{name}': {table.name} does not say it of every network"
    return f"{said}; give it the column {COLUMNS[name]}, or take another objective"
