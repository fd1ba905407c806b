"""Training of a supernet by single paths, each sampled uniformly for one batch: no α is learned."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from torch import Tensor

from harness.data.images import Images
from harness.plan.settings import Settings
from harness.training.epochs import Steps
from harness.training.search import Search
from spaces.custom_rules import drawn_by
from spaces.gates import uniform
from spaces.space import Space

JUDGED = 5  # paths whose mean accuracy stands for the supernet's, the same after every epoch


@dataclass
class SinglePath(Search):
    """All epochs train the weights alone, each step those of one architecture, sampled uniformly from what `rule` can
    give. Paths come from the seeds and the epoch's number, so that a resumed training samples the same ones.

    Batch norm uses the statistics of each batch, in training as in scoring (Guo et al. 2020 recompute
    them for that).
    """

    rule: str

    @property
    def learns_alpha(self) -> bool:
        return False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.paths = self._paths("paths", 0)

    def steps(self, number: int) -> Steps:
        self.paths = self._paths("paths", number)
        return (yield from super().steps(number))

    @property
    def repeats(self) -> bool:
        return False

    @property
    def by_paths(self) -> bool:
        return True

    def accuracy(self, part: Images) -> float:
        """Mean over JUDGED paths."""
        judged = list(islice(self._paths("judged paths", 0), JUDGED))
        return sum(self.engine.evaluate_subnet(self.network, path, part)[0] for path in judged) / JUDGED

    def _paths(self, purpose: str, number: int) -> Iterator[Any]:
        return uniform.paths(self.space, self.rule, self.seeds.stream(purpose, number))

    def _weight_step(self, images: Tensor, labels: Tensor) -> Tensor:
        with self.network.subnet(next(self.paths)):
            return super()._weight_step(images, labels)


def of(settings: Settings, space: Space) -> Callable[..., Search]:
    """What makes the search of a job with these settings."""
    return partial(SinglePath, rule=drawn_by(space, settings["search"]["rule"]))
