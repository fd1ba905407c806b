"""Start values of networks whose layers are not those of the package's own spaces."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from harness.plan.make import make
from harness.plan.methods import merged
from harness.plan.strategies import strategy
from harness.training import run_job
from harness.training.epochs import returned
from harness.training.initialise import initialise
from harness.training.place import Place
from harness.vocabulary.rows import Outcome
from spaces.shortcuts.space import ShortcutSpace
from tests.studies import tiny


class Odd(nn.Module):
    """Layers of which shapes and names do not tell what they start with."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(4))
        self.gamma = nn.Parameter(torch.full((1, 4, 1, 1), 0.1))
        self.temperature = nn.Parameter(torch.tensor(2.0))
        self.embedding = nn.Parameter(0.02 * torch.randn(1, 64, 32) + 1)
        self.slope = nn.PReLU()
        self.mixed = nn.Conv1d(16, 16, 1)
        self.norm = nn.LayerNorm(4)
        self.head = nn.Linear(4, 2)


def started(torch_seed: int, seed: int = 0) -> Odd:
    torch.manual_seed(torch_seed)
    network = Odd()
    initialise(network, 0, seed)
    return network


def test_a_constant_start_value_stays() -> None:
    network = started(0)
    assert torch.equal(network.scale, torch.ones(4))
    assert torch.equal(network.gamma, torch.full((1, 4, 1, 1), 0.1))
    assert network.temperature.item() == 2
    assert network.slope.weight.item() == 0.25


def test_what_was_random_is_sampled_anew_by_the_seed_alone() -> None:
    one, again, other = started(0), started(1), started(0, seed=1)
    assert not torch.equal(one.embedding, other.embedding)
    assert torch.allclose(one.embedding, again.embedding, atol=0.01), "mean and spread are those of the start values"
    assert one.embedding.mean().item() == pytest.approx(1, abs=0.01)
    assert one.embedding.std().item() == pytest.approx(0.02, rel=0.1)


def test_convolutions_of_any_dimension_have_hes_spread() -> None:
    network = started(0)
    assert torch.equal(network.mixed.weight, started(1).mixed.weight)
    assert network.mixed.weight.std().item() == pytest.approx((2 / 16) ** 0.5, rel=0.15)
    assert torch.equal(network.norm.weight, torch.ones(4))
    assert torch.equal(network.head.bias, torch.zeros(2))


class Sampling(ShortcutSpace):
    """What it builds samples for itself: a parameter, a buffer, and α as DARTS's authors do."""

    def build(self, architecture: Any, classes: int, channels: int = 3) -> Any:
        network = super().build(architecture, classes, channels)
        network.gain = nn.Parameter(torch.randn(1))
        network.register_buffer("slope", torch.randn(1))
        network.register_forward_hook(lambda module, _, logits: logits * (1 + module.gain * module.slope))
        return network

    def supernet(self, classes: int, channels: int = 3, gate: str = "sigmoid", **more: Any) -> Any:
        supernet = super().supernet(classes, channels, gate, **more)
        supernet.alphas["pairs"].data.normal_()
        return supernet


def trained(folder: Path, method: dict[str, Any], seed: int) -> Outcome:
    """Of the first job of the method at this seed."""
    options = {"vgg": "vgg11", "width": 0.0625}
    study = tiny(space=f"{__name__}:Sampling", space_options=options, method=[method])
    jobs = make(merged(study), ("A", "B"), strategy).jobs.items()
    key, job = next((key, job) for key, job in jobs if job.seed == seed)
    folder.mkdir()
    place = Place(str(folder), "cpu", 1, 0, None)
    return returned(run_job.run(key, {**job.settings, "architecture": "vgg11"}, place))


@pytest.mark.training
@pytest.mark.parametrize(
    ("method", "number"), [({"name": "baseline"}, "test_loss"), ({"name": "darts-A", "rule": "A"}, "snapshots")]
)
def test_what_a_network_samples_for_itself_is_the_seeds(tmp_path: Path, method: dict[str, Any], number: Any) -> None:
    """Whatever ran before in the process."""
    found = []
    for place, (before, seed) in enumerate([(0, 0), (1, 0), (0, 1)]):
        torch.manual_seed(before)
        outcome = trained(tmp_path / str(place), method, seed)
        assert outcome["status"] == "done", outcome["error"]
        found.append(outcome[number])
    assert found[0] == found[1] != found[2]
