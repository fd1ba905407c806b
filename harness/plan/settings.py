"""A job's settings as plain values, and what can be read from them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.seeding import Seeds
from harness.study.schema import Recipe
from harness.study.scores import ZERO_COST
from harness.study.search import Search
from harness.vocabulary.kinds import SUPERNETS, Kind

Settings = dict[str, Any]


SCORED, SEARCHED = -1, -2  # in the place of a final training's number


def seeds_of(settings: Mapping[str, Any]) -> Seeds:
    """From which a job's start values and its noise follow.

    What chooses an architecture or a recipe has others than what is then judged: else a network that was lucky with its
    start values would be chosen, and be lucky again. (Under schema 3 all had those of final trainings, under schema 4
    supernets still.)
    """
    found, kind, schema = Seeds.of(settings), settings["kind"], settings["schema"]
    if kind in SUPERNETS and schema > 4:
        return replace(found, training=SEARCHED)
    scored = kind in (Kind.SCORE, Kind.TUNE) and "of_training" not in settings.get("source", {})
    return replace(found, training=SCORED) if scored and schema > 3 else found


def weights_read(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Keys of the jobs whose weights a job of these settings starts from, or may (`resolve.starts`)."""
    if epochs_before(settings):
        return tuple(settings["source"]["among"])
    found = settings.get("search", {}).get("supernet") or settings.get("start")
    return (found,) if found else ()


def epochs_before(settings: Mapping[str, Any]) -> int:
    """Of the shorter training that a job of these settings goes on from; 0 where it starts anew."""
    return int((settings.get("source") or {}).get("trained") or 0)


def by_table(settings: Mapping[str, Any]) -> bool:
    """Whether a table of trainings that were done before answers a job of these settings."""
    return "table" in settings


def at_start(settings: Mapping[str, Any]) -> bool:
    """Whether a job of these settings gives a network its zero-cost score, without any training."""
    return settings.get("kind") == Kind.SCORE and settings.get("search", {}).get("score") in ZERO_COST


def recipe_of(settings: Mapping[str, Any]) -> Recipe:
    """What a job of these settings trains by; a score's short training has epochs of its own."""
    search = settings.get("search", {})
    epochs = {"epochs": search["score_epochs"]} if search.get("score") == "train" else {}
    return Recipe.model_validate({**settings["recipe"], **epochs})


def search_of(settings: Mapping[str, Any]) -> Search:
    """The search settings of a search or a score."""
    return Search.model_validate({n: v for n, v in settings["search"].items() if n in Search.model_fields})


def validation_portion(settings: Mapping[str, Any]) -> float | None:
    """Of the training images, the part that a job of these settings holds out; None: a final training uses all."""
    found: float | None = settings.get("search", settings).get("alpha_portion")
    return found


def plain_recipe(recipe: Recipe) -> Settings:
    """A recipe as it enters keys: where it came from is not part of it."""
    values: Settings = recipe.model_dump(exclude={"tuned", *(["pretrained_sha256"] * (not recipe.pretrained_sha256))})
    return values


def in_full(recipe: Mapping[str, Any]) -> Settings:
    """A row's recipe with the fields that are left out where they are at their defaults."""
    return Recipe.model_validate(recipe).in_full()


RESOLVED = ("architecture", "asked", "continues")  # what a row's settings hold beside those that its key was made from
