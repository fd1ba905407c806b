"""What may be wrong with zero-cost scores: found before anything starts."""

from random import Random

import torch

from harness.data.images import DataSet
from harness.data.splits import split
from harness.errors import BadInput
from harness.plan.methods import UNSCORING, MethodSettings, StudySettings, scores_of_trained, strategy_of
from harness.study.schema import IMAGES, Recipe
from harness.zero_cost.batch import Batch
from harness.zero_cost.scores import SCORES
from spaces.space import Space

IMAGES_TRIED = 4
ALONE = ("; a batch is one image, make recipe.batch_size 2 or more, or leave more images beside the validation split "
         "(data.train_images, search.alpha_portion)")  # fmt: skip


def score_fault(own: MethodSettings, settings: StudySettings) -> str:
    """Why the method cannot choose by the zero-cost score that it asks for; '' where it can, or asks for none."""
    name, score = strategy_of(own), own.search.zero_cost
    said = f"search.score = '{score}'"
    if not score:
        return ""
    if name in UNSCORING:
        meant = "score" in own.method.search or all(strategy_of(one) in UNSCORING for one in settings.methods)
        return f"{name} scores no candidates, so that {said} would be ignored; leave it out" if meant else ""
    if settings.study.task != IMAGES:
        return f"{said} is of a network, and task stands in for networks; leave one of them out"
    if own.search_recipe.pretrained:
        return f"{said} is of a network before any training; leave recipe.pretrained out"
    if name == "nsga2" and own.search.objective == score:
        return f"{said} and search.objective are one quantity, which cannot be both high and low; change one of them"
    return ""


def check_scores(settings: StudySettings, space: Space, data: DataSet) -> None:
    """Raises BadInput where the study's networks have no such score."""
    after = scores_of_trained(settings)
    if after and settings.study.task != IMAGES:
        raise BadInput("scores.of_trained are of networks, and task stands in for networks; leave one of them out")
    if after and any(own.recipe.pretrained for own in settings.methods):
        raise BadInput("scores.of_trained are of networks before any training; leave recipe.pretrained out")
    wanted = {(name, _images(own, own.recipe, data)): f"scores.of_trained has '{name}'"
              for own in settings.methods for name in after}  # fmt: skip
    wanted |= {(own.search.zero_cost, _images(own, own.search_recipe, data)): f"search.score = '{own.search.zero_cost}'"
               for own in settings.methods if own.search.zero_cost and strategy_of(own) not in UNSCORING}  # fmt: skip
    for (name, images), where in wanted.items():
        try:
            _tried(name, space, data, images)
        except ValueError as error:
            alone = ALONE if images == 1 else ""
            raise BadInput(f"{where}: no network of {settings.study.space} has it: {error}{alone}") from None


def _images(own: MethodSettings, recipe: Recipe, data: DataSet) -> int:
    """How many are tried: as many as a batch has of what would train the weights, or enough."""
    there = len(split(len(data.train), 0, 0, own.search.alpha_portion, data.drawn).weights)
    return min(IMAGES_TRIED, recipe.batch_size, there)


def _tried(name: str, space: Space, data: DataSet, count: int) -> None:
    """Scores a network of the space with torch's own weights, on noise."""
    architecture = space.baseline() or space.draw(space.rules[0], Random(0))
    images = torch.randn(count, data.channels, data.size, data.size, generator=torch.Generator().manual_seed(0))
    network = space.build(architecture, data.classes, data.channels)
    SCORES[name](network, Batch(images, torch.arange(count) % data.classes))
