"""What decides nothing of a job: settings of its study that this kind of job never reads. They leave its key alone."""

from collections.abc import Collection, Mapping
from typing import Any

from harness.plan.settings import at_start, by_table
from harness.vocabulary.kinds import SUPERNETS, Kind

Settings = Mapping[str, Any]

TRAINED = ("train_cells", "train_channels", "auxiliary", "drop_path")  # space options of the networks that are found
LOOKED_UP = ("data", "recipe", "test_curve")  # decide nothing where a table answers
LOOKED_UP_BEFORE = (*LOOKED_UP, "space_options")  # by which architectures are sampled and proposed
SHAPES: Mapping[str, tuple[str, ...]] = {"constant": ("gamma", "step", "min_lr"), "cosine": ("gamma", "step"),
                                            "step": ("min_lr",)}  # unread by each  # fmt: skip


def read_fields(settings: Settings) -> dict[str, Any]:
    """`settings` without the fields that a job of this kind never reads: the epochs of a training yet to come, …"""
    out = dict(settings)
    kind, search = settings.get("kind"), settings.get("search", {})
    if "search" in settings and "recipe" in settings:
        out["recipe"] = _without(settings["recipe"], ("epochs",))
    if "score" in search:
        out["search"] = _without(search, ("score_epochs" if search["score"] == "supernet" else "gate",))
    if at_start(settings):
        out["search"] = _without(search, ("score_epochs", "gate"))
        out["recipe"] = {"batch_size": settings["recipe"]["batch_size"]}
    watched = kind == Kind.SEARCH and settings.get("test_curve")
    if kind in (Kind.SCORE, Kind.TUNE, *SUPERNETS) and not watched:
        out["data"] = _without(settings.get("data", {}), ("test_images",))
    if kind in (Kind.SCORE, Kind.TUNE, Kind.PERTURBATION):
        out.pop("test_curve", None)
    if kind in SUPERNETS and str(settings.get("space")).startswith(("cell-", "nasbench201")):
        out["space_options"] = _without(settings.get("space_options", {}), TRAINED)
    if "tuning" in settings:
        out["tuning"] = _without(settings["tuning"], _unread_of_tuning(settings["tuning"]))
    elif "recipe_from" not in settings and "scheduler" in out.get("recipe", {}):
        scheduler = out["recipe"]["scheduler"]
        out["recipe"] = {**out["recipe"], "scheduler": _without(scheduler, SHAPES.get(scheduler.get("kind"), ()))}
    return _without(out, _looked_up(settings)) if by_table(settings) else out


def _looked_up(settings: Settings) -> Collection[str]:
    """The options of NASBench201's space are of its supernet: its cells are the same with all."""
    same_cells = str(settings.get("space")) == "nasbench201" or settings["schema"] <= 3
    return LOOKED_UP_BEFORE if same_cells and settings.get("kind") != Kind.BLACK_BOX else LOOKED_UP


def read_under_schema_2(settings: Settings) -> dict[str, Any]:
    """What schema 2 left out: less than is never read, but folders that were begun with it go on with its keys."""
    out, search = dict(settings), settings.get("search", {})
    if "search" in settings and "recipe" in settings:
        out["recipe"] = _without(settings["recipe"], ("epochs",))
    if "score" in search:
        out["search"] = _without(search, ("score_epochs" if search["score"] == "supernet" else "gate",))
    return _without(out, LOOKED_UP_BEFORE) if by_table(settings) else out


def _unread_of_tuning(tuning: Settings) -> Collection[str]:
    """By its sampler and its pruner."""
    sampler, pruner = tuning.get("sampler", "tpe"), tuning.get("pruner", "none")
    unread = ["candidates", "good_part"] if sampler != "tpe" else []
    unread += ["startup_trials"] if sampler != "tpe" and pruner == "none" else []
    unread += ["pruner_warmup_epochs"] if pruner == "none" else []
    return [*unread, *(["pruner_reduction"] if pruner != "halving" else [])]


def _without(values: Settings, names: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}
