"""What runs in Ray's worker processes: trials, after a look at whether their node may take part."""

import harness.ray_tune.environment  # noqa: F401 (before ray)

# isort: split
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ray import tune

from harness.ray_tune.nodes import Common, Seen
from harness.training.place import Place

GRAIN = 10_000  # parts of a GPU that Ray counts in


def share(config: Mapping[str, Any]) -> tune.PlacementGroupFactory:
    """Of a machine, what a trial asks for."""
    task = json.loads(config["task"])
    places = [Place(**one["place"]) for one in task["tasks"]]
    gpus = math.floor(sum(place.gpus for place in places) * GRAIN + 1e-6) / GRAIN
    bundle = {"CPU": places[0].cpus, "GPU": gpus}
    if not task["unfit"]:
        return tune.PlacementGroupFactory([bundle])
    elsewhere = {"ray.io/node-id": f"!in({','.join(task['unfit'])})"}
    return tune.PlacementGroupFactory([bundle], bundle_label_selector=[elsewhere])


def work(tasks: Sequence[Mapping[str, Any]]) -> None:
    """Runs in a worker process, which may have run other trials before."""
    import torch

    from harness.engine.packing import in_turn
    from harness.training import run_job
    from spaces.plugins import beside

    places = {one["key"]: Place(**one["place"]) for one in tasks}
    trials = {one["key"]: run_job.turns(one["key"], one["settings"], places[one["key"]]) for one in tasks}
    device = torch.device(next(iter(places.values())).device)
    with beside(next(iter(places.values())).home):
        for count, (key, said, ended) in enumerate(in_turn(trials, device), 1):
            what = {"outcome": json.dumps(said)} if ended else {"progress": json.dumps(asdict(said))}
            tune.report({"epoch": count, "key": key, **what})


def misfit(guard: Mapping[str, Any] | None) -> Seen | None:
    """What this node sees, where it may not take part; it may have joined after the others were asked.

    A process looks once, and again where the results' folder has gone from its node meanwhile.
    """
    if guard is None:
        return None
    common = Common(**guard["common"])
    if common.mark in _FIT and common.seen_before():
        return None
    seen = common.look()
    if seen.get("silent"):  # the store, for now: what the trial then says of it is no fault of this node
        return None
    if common.fault(guard["mine"], seen):
        return seen
    _FIT.add(common.mark)
    return None


_FIT: set[str] = set()  # marks of the runs for which this process has looked
