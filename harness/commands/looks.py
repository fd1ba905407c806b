"""Seeds until every comparison is decided: the looks are fixed in the study, and only open methods get more seeds."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from analysis.results import data_sets
from analysis.results.table import family
from harness.errors import BadInput, Ended
from harness.storage.folder import claim
from harness.study.bounds import SEEDS
from harness.study.schema import Study
from harness.vocabulary.kinds import Kind, Role

Seeds = Mapping[str, int]  # method → search seeds


def planned_looks(looks: Sequence[int], max_seeds: int | None) -> tuple[int, ...]:
    """The study's looks up to `max_seeds`, which is the last one. Raises BadInput where there are none."""
    if not looks:
        raise BadInput("--until decided: the study has no looks; fix them before it runs, as in looks = [3, 5, 10, 20]")
    if list(looks) != sorted(set(looks)) or looks[0] < 2:
        raise BadInput(f"looks = {list(looks)} must rise and start at 2 or more")
    if max_seeds is None:
        return tuple(looks)
    if max_seeds > SEEDS:
        raise BadInput(f"--max-seeds {max_seeds}: at most {SEEDS}")
    if max_seeds < looks[0]:
        raise BadInput(f"--max-seeds {max_seeds} lies before the first look at {looks[0]}")
    return tuple(sorted({*(look for look in looks if look < max_seeds), max_seeds}))


def fixed(folder: Path, study: Study, max_seeds: int | None) -> tuple[Study, Seeds]:
    """The study with the looks that `--until decided` makes, and each method's seeds at the last of them.

    Raises BadInput where there are none, or where the folder's rows were looked at by others.
    """
    looks = planned_looks(study.looks, max_seeds)
    before = claim(folder, study.name)
    if before.get("sequential") and list(looks) != before["looks"]:
        raise BadInput(f"{folder}: its looks were fixed as {before['looks']}, and rows were looked at since; "
                       f"now they would be {list(looks)}")  # fmt: skip
    most = dict.fromkeys((method.name for method in study.method), looks[-1])
    return study.model_copy(update={"looks": looks}), most


def as_there(folder: Path, study: Study) -> tuple[Study, Seeds | None]:
    """The study with the looks of its folder, and the seeds that these gave each method so far: for commands that add
    none. Where no looks were made, the study as it is.

    A method that is new has as many seeds as the most. Raises BadInput where the folder is another study's.
    """
    before = claim(folder, study.name)
    if not before.get("sequential"):
        return study, None
    twins = {row["method"] for row in before.get("rows", ()) if row.get("role") == Role.TWIN}
    found: dict[str, int] = {}
    for job in before["plan"]:
        for row in {*job.get("methods", [job["method"]])} - twins if job["kind"] == Kind.TRAIN else ():
            _, method = data_sets.split(family(row))
            found[method] = max(found.get(method, 0), job["seed"] + 1)
    most = max(found.values(), default=study.seeds.search)
    seeds = {one.name: found.get(one.name, most) for one in study.method}
    return study.model_copy(update={"looks": tuple(before["looks"])}), seeds


def run_looks(methods: Sequence[str], looks: Sequence[int], run: Callable[[Seeds], int],
              still_open: Callable[[], tuple[int, Sequence[str]]], stopped: Callable[[], str]) -> int:  # fmt: skip
    """Runs look after look until nothing is open or `run` has left something; returns what it gave last.

    `run` runs what is missing at these seeds and gives how many jobs have no final row; `still_open` gives how many
    looks the rows allow and which methods are open after them; `stopped` gives the signal that came in the last epoch
    of a run, or ''. Raises Ended where more seeds are needed and one came.
    """
    seeds = dict.fromkeys(methods, looks[0])
    for number, look in enumerate(looks, 1):
        missing = run(seeds)
        _, still = still_open()
        wanted = set(still)
        if missing or not wanted or number == len(looks):
            return missing
        seeds |= {method: looks[number] for method in methods if method in wanted}
        if signal := stopped():
            raise Ended(signal)
        print(f"{', '.join(sorted(wanted))} still open after {look} seeds: on to {looks[number]}", flush=True)
    return 0
