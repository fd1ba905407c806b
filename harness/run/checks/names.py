"""What a study names by text and nothing trains by: its primary question, and a task in place of training."""

from collections.abc import Iterator

from harness.errors import BadInput
from harness.plan.jobs import Plan
from harness.study.primary import Primary
from harness.study.schema import IMAGES, Study
from harness.training import formula
from harness.vocabulary.kinds import Role


def check_task(study: Study) -> None:
    """Raises BadInput where `task` names nothing that could stand in for training."""
    if study.task == IMAGES:
        return
    try:
        formula.function(study.task)
    except ValueError as error:
        raise BadInput(str(error)) from None


def check_names(plan: Plan) -> None:
    """Raises BadInput where a method's rows would stand under the name of another one's twins, as if they were one."""
    rows = plan.rows.values()
    owners = {_line(row.twin): _line(row.method) for row in rows if row.twin}
    for name in (_line(row.method) for row in rows if row.role != Role.TWIN):
        if owner := owners.get(name):
            method, other = (one.rpartition("/")[2] for one in (name, owner))
            raise BadInput(f"method '{method}': the twins of method '{other}' stand in the table under that name; "
                           "rename one of the methods")  # fmt: skip


def check_primary(study: Study, plan: Plan) -> None:
    """Raises BadInput where the primary question is about no row of the study's table, or about several."""
    if study.primary is None:
        return
    asked, at = study.primary, study.primary.at
    if fault := next(_faults(asked, _read_at(plan, asked, asked.method)), ""):
        raise BadInput(f"primary: {fault}")
    if asked.against == "twins":
        return
    mine, theirs = ({at, None} & own if isinstance(at, int) else own
                    for own in (_read_at(plan, asked, asked.method), _read_at(plan, asked, asked.against)))  # fmt: skip
    pairs = [(one, other) for one in mine for other in theirs if len({one, other} - {None}) < 2]
    if not pairs or (at != "mean" and len(pairs) > 1):
        known = _words(_read_at(plan, asked, asked.against))
        raise BadInput(f"primary: method '{asked.against}' is read at {known}; name one epoch of both methods, as in "
                       "at = 10, or at = \"mean\" of those that both have")  # fmt: skip


def _faults(asked: Primary, own: set[int | None]) -> Iterator[str]:
    if isinstance(asked.at, int) and not own & {asked.at, None}:
        yield f"method '{asked.method}' is read at {_words(own)}, not at = {asked.at}; name one of its epochs"
    if asked.at is None and len(own) > 1:
        yield (f"method '{asked.method}' is read at {_words(own)}; say which counts, as in at = "
               f"{max(filter(None, own))}, or at = \"mean\"")  # fmt: skip


def _read_at(plan: Plan, asked: Primary, method: str) -> set[int | None]:
    """After which epochs of its search the method has a row each; None where it has one without any."""
    name = f"{asked.data}/{method}" if asked.data else method
    return {row.search_epochs for row in plan.rows.values() if row.role != Role.TWIN and _line(row.method) == name}


def _line(row: str) -> str:
    """A row's name without the epochs of its search."""
    return row.partition("@")[0]


def _words(epochs: set[int | None]) -> str:
    return f"epochs {', '.join(map(str, sorted(filter(None, epochs))))}" if epochs - {None} else "no epoch of a search"
