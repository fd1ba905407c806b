"""What may be wrong with zero-cost scores: found before anything starts."""

from random import Random

import torch

from harness.data.images import DataSet
from harness.errors import BadInput
from harness.plan.methods import MethodSettings, StudySettings, strategy_of
from harness.study.schema import IMAGES, Study
from harness.zero_cost.batch import Batch
from harness.zero_cost.scores import SCORES
from spaces.space import Space

UNSCORING = ("darts", "random", "baseline", "given")  # strategies without candidates
IMAGES_TRIED = 4


def score_fault(own: MethodSettings, study: Study) -> str:
    """Why the method cannot choose by the zero-cost score that it asks for; '' where it can, or asks for none."""
    name, score = strategy_of(own), own.search.zero_cost
    said = f"search.score = '{score}'"
    if not score:
        return ""
    if name in UNSCORING:
        return f"{name} scores no candidates, so that {said} would be ignored; leave it out" * _asked(own, study)
    if study.task != IMAGES:
        return f"{said} is of a network, and task stands in for networks; leave one of them out"
    if own.search_recipe.pretrained:
        return f"{said} is of a network before any training; leave recipe.pretrained out"
    if name == "nsga2" and own.search.objective == score:
        return f"{said} and search.objective are one quantity, which cannot be both high and low; change one of them"
    return ""


def _asked(own: MethodSettings, study: Study) -> bool:
    """Whether the score is meant for this method: its own settings name it, or no method of the study reads it."""
    reading = [one for one in study.method if (one.search.get("strategy") or one.strategy or study.search.strategy)
               not in UNSCORING and one.name != "baseline" and not one.architecture]  # fmt: skip
    return "score" in own.method.search or not reading


def check_scores(settings: StudySettings, space: Space, data: DataSet) -> None:
    """Raises BadInput where the study's networks have no such score."""
    wanted = {f"scores.of_trained: '{name}'": name for name in settings.study.scores.of_trained}
    if wanted and settings.study.task != IMAGES:
        raise BadInput("scores.of_trained are of networks, and task stands in for networks; leave one of them out")
    if wanted and any(own.recipe.pretrained for own in settings.methods):
        raise BadInput("scores.of_trained are of networks before any training; leave recipe.pretrained out")
    wanted |= {f"search.score = '{own.search.zero_cost}'": own.search.zero_cost for own in settings.methods
               if own.search.zero_cost and strategy_of(own) not in UNSCORING}  # fmt: skip
    for where, name in wanted.items():
        try:
            _tried(name, space, data)
        except ValueError as error:
            raise BadInput(f"{where}: no network of {settings.study.space} has it: {error}") from None


def _tried(name: str, space: Space, data: DataSet) -> None:
    """Scores a network of the space with torch's own weights, on noise."""
    architecture = space.baseline() or space.draw(space.rules[0], Random(0))
    images = torch.randn(IMAGES_TRIED, data.channels, data.size, data.size, generator=torch.Generator().manual_seed(0))
    network = space.build(architecture, data.classes, data.channels)
    SCORES[name](network, Batch(images, torch.arange(IMAGES_TRIED) % data.classes))
