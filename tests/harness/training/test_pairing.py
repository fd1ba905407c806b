"""A searched network, its twin and the baseline of one seed: same images, same order, same start where they share."""

import pytest
import torch

from benchmarks.ours import epoch
from harness.data import datasets
from harness.engine.engine import Engine
from harness.plan.make import make
from harness.plan.methods import merged
from harness.plan.settings import seeds_of
from harness.plan.strategies import strategy
from harness.seeding import Seeds, stream
from harness.training.initialise import initialise
from harness.training.train import Training
from spaces.architecture import Shortcuts
from spaces.shortcuts.space import ShortcutSpace
from tests.studies import TINY, tiny

SPACE = ShortcutSpace("vgg11", 0.0625)


def built(*pairs, seed=0):
    network = SPACE.build(Shortcuts("vgg11", pairs), 10, 1)
    initialise(network, 0, seed)
    return network


def test_shared_layers_start_equal():
    searched, twin, baseline = built((1, 3), (2, 6)), built((2, 6), (3, 8)), built()
    names = baseline.state_dict().keys()
    for name in names:
        assert torch.equal(searched.state_dict()[name], baseline.state_dict()[name])
        assert torch.equal(twin.state_dict()[name], baseline.state_dict()[name])
    shared = "shortcuts.2_6.fit.0.weight"
    assert torch.equal(searched.state_dict()[shared], twin.state_dict()[shared])
    assert not torch.equal(built(seed=1).state_dict()["blocks.0.0.weight"], baseline.state_dict()["blocks.0.0.weight"])


def test_layers_that_a_supernet_shares_with_a_network_start_equal_from_equal_seeds():
    supernet, network = SPACE.supernet(10, 1, "sigmoid"), built()
    initialise(supernet, 0, 0)
    for name, value in network.state_dict().items():
        assert torch.equal(supernet.state_dict()[name], value)


@pytest.mark.parametrize("schema", [3, 4, 5])
def test_a_choice_is_made_from_other_start_values_than_it_is_judged_by(schema: int) -> None:
    """Where they are the same a candidate can be chosen for its luck with them, and be lucky again."""
    methods = [
        {"name": "searched", "strategy": "random-search", "search": {"candidates": 2}},
        {"name": "differentiable"},
        {"name": "perturbed", "rule": "A", "search": {"reading": "perturbation"}},
    ]
    tuning = [{"name": "rate", "trials": 2, "ranges": {"lr": {"low": 0.1, "high": 0.2}}}]
    study = tiny(method=methods, tuning=tuning, scores={"of_trained": ["snip"]}, seeds={"search": 1, "train": 2})
    jobs = make(merged(study), SPACE.rules, strategy, schema=schema).jobs.values()
    found: dict[str, set[int]] = {}
    for job in jobs:
        kind = "of trained" if "of_training" in job.settings.get("source", {}) else job.kind
        found.setdefault(kind, set()).add(seeds_of(job.settings).training)
    chosen, searched = {-1} if schema > 3 else {0}, {-2} if schema > 4 else {0}
    assert found == {"score": chosen, "tune": chosen, "search": searched, "perturbation": searched,
                     "train": {0, 1}, "of trained": {0}}  # fmt: skip


@pytest.mark.training
def test_same_images_in_the_same_order(monkeypatch):
    data = datasets.load(TINY["data"], None)
    engine = Engine.choose(torch.device("cpu"), "fp32", data)
    seen = {}
    for name, network in (("searched", built((1, 3))), ("twin", built((2, 5))), ("baseline", built())):
        fed = seen[name] = []
        network.register_forward_pre_hook(lambda _, inputs, fed=fed: fed.append(inputs[0].clone()))
        training = Training(network, data.train, tiny().recipe, Seeds(search=1), engine)
        for number in (1, 2):
            epoch(training, number)
    assert len(seen["searched"]) == 6
    for name in ("twin", "baseline"):
        assert all(torch.equal(a, b) for a, b in zip(seen["searched"], seen[name], strict=True))
    assert not torch.equal(seen["searched"][0], seen["searched"][3])


def test_streams_differ_by_purpose_and_seed_and_are_stable():
    seeds = {stream(s, i, p) for s in range(3) for i in range(3) for p in ("order", "augmentation", "split")}
    assert len(seeds) == 27
    assert stream(0, 0, "order") == 1309178183502366395  # the rows in results/ were made with it
