"""The engine: every path trains the same trial, one path always the same; schedules, precision, evaluation, batches."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from benchmarks.ours import epoch
from harness.data.datasets import load as load_data
from harness.data.images import DataSet, Images
from harness.engine import engine, graphs, small_convolutions
from harness.engine.device import fp32_precision, make_deterministic, set_fp32_precision, torch_kept
from harness.engine.device import paths as paths_
from harness.engine.engine import Engine
from harness.engine.graphs import WARM
from harness.engine.optimiser import learning_rate, restore, set_rate
from harness.engine.packing import in_turn
from harness.errors import BadInput
from harness.plan.jobs import Job, Plan
from harness.run import engine_paths
from harness.seeding import Seeds
from harness.study.schema import Recipe, Scheduler
from harness.training.initialise import initialise
from harness.training.train import Training
from harness.vocabulary.kinds import Role
from spaces.registry import load as load_space
from tests.harness.training.test_search import SHORTCUT, search
from tests.studies import TINY

CPU = torch.device("cpu")
RECIPE = Recipe(epochs=2, batch_size=32, lr=0.005, momentum=0.9, weight_decay=1e-4, clip=5.0, cutout=4, augment="crop",
                scheduler=Scheduler(kind="cosine"), precision="fp32")  # fmt: skip
VGG = ("shortcut-vgg11", {"width": 0.125}, "vgg11 1-3 2-6 6-8")
CELLS = ("cell-study1", {"cells": 2, "channels": 4, "drop_path": 0.4, "auxiliary": 0.4},
         "cells inputs=1 concat=3,4,5 normal=0>1:conv_3x3,0>2:max_pool_3x3,1>3:conv_5x5,2>4:skip_connect,3>5:conv_3x3"
         )  # fmt: skip


def data(images=100):
    return load_data({**TINY["data"], "train_images": images}, None)


def training(path=None, precision="fp32", chosen=VGG, seed=0, images=100):
    """100 images make batches of 32, 32, 32 and 4."""
    name, options, architecture = chosen
    space, found = load_space(name, options), data(images)
    network = space.build(space.parse(architecture), found.classes, found.channels)
    initialise(network, 0, seed)
    how = Engine.choose(CPU, precision, found, path)
    return Training(how.place(network), found.train, RECIPE, Seeds(search=seed), how)


def trained(work):
    return [epoch(work, number) for number in range(1, work.epochs + 1)]


def assert_equal_states(a, b):
    a, b = a.network.state_dict(), b.network.state_dict()
    assert all(torch.equal(a[name], b[name]) for name in a | b)


@pytest.mark.training
@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-3), ("bf16", 0.05)])
def test_every_path_trains_the_same_trial(precision, tolerance):
    names = paths_(CPU, precision)
    losses = [[point["train_loss"] for point in trained(training(name, precision))] for name in names]
    for name, found in zip(names[1:], losses[1:], strict=True):
        assert found == pytest.approx(losses[0], rel=tolerance), name


@pytest.mark.training
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_one_path_gives_the_same_bits(precision):
    for name in paths_(CPU, precision):
        first, again = training(name, precision), training(name, precision)
        assert trained(first) == trained(again)
        assert_equal_states(first, again)


@pytest.mark.training
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_gradients_lie_in_memory_as_their_parameters_do(precision):
    """Torch's fused SGD on a CPU pairs them by place in memory, whatever their strides say."""
    for name in paths_(CPU, precision):
        work = training(name, precision)
        next(work.steps(1))
        for parameter in work.network.parameters():
            there = [torch.arange(p.numel()).as_strided(p.shape, p.stride()) for p in (parameter, parameter.grad)]
            assert torch.equal(*there)


def test_a_path_that_the_device_has_not_becomes_the_default():
    assert training("graphs channels_last").engine.path == "eager contiguous"
    assert training("products channels_last").engine.path == "products channels_last"


@pytest.mark.parametrize("cache", [0, 2**21], ids=["all by products", "weights by products"])
@pytest.mark.parametrize(("size", "bias"), [((4, 4), True), ((1, 1), False), ((5, 3), True)])
def test_products_are_the_convolution(size, bias, cache, monkeypatch):
    monkeypatch.setattr(small_convolutions, "CACHE", cache)
    torch.manual_seed(0)
    plain = nn.Conv2d(3, 5, 3, padding=1, bias=bias).double()
    ours = nn.Conv2d(3, 5, 3, padding=1, bias=bias).double()
    ours.load_state_dict(plain.state_dict())
    small_convolutions.by_products(ours)
    images = torch.randn(2, 3, *size, dtype=torch.float64, requires_grad=True)
    found = []
    for conv in (plain, ours):
        out = conv(images)
        first = torch.autograd.grad(out.tanh().sum(), [images, *conv.parameters()], create_graph=True)
        second = torch.autograd.grad(sum(g.square().sum() for g in first), [images, *conv.parameters()])
        found.append([out, *first, *second])
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


def test_only_plain_convolutions_become_products():
    network = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.Conv2d(4, 4, 1))
    small_convolutions.by_products(network)
    assert [type(module) is small_convolutions.Convolution for module in network] == [True, False, False]


class FakeGraphs:
    """Stands in for CUDA: a capture computes nothing, a replay runs the step on what the kept tensors hold."""

    log: list[str]

    def warm(self, step, batch):
        self.log.append("warm")
        return step(*batch)

    def capture(self, step, batch):
        self.log.append("capture")
        loss = torch.zeros(())

        def replay():
            self.log.append("replay")
            loss.copy_(step(*batch))

        return replay, loss


@pytest.fixture
def fake(monkeypatch):
    FakeGraphs.log = []
    monkeypatch.setattr(engine, "CudaGraphs", lambda device: FakeGraphs())
    return FakeGraphs.log


def graphed(work):
    """`work` with its steps captured."""
    return replace(work, engine=replace(work.engine, path="graphs channels_last"))


@pytest.mark.training
def test_captured_steps_train_as_eager_ones_do(fake):
    """An epoch's last batch is smaller and runs by itself."""
    eager, captured = training("eager channels_last", images=164), graphed(training("eager channels_last", images=164))
    assert trained(eager) == trained(captured)
    assert_equal_states(eager, captured)
    assert fake == ["warm"] * WARM + ["capture"] + ["replay"] * (2 * 5 - WARM)


@pytest.mark.training
def test_a_step_is_captured_anew_when_drop_path_has_changed(fake):
    eager, captured = (training("eager channels_last", chosen=CELLS, images=164) for _ in range(2))
    captured = graphed(captured)
    assert trained(eager) == trained(captured)
    assert_equal_states(eager, captured)
    assert fake.count("capture") == 2


@pytest.mark.training
def test_captured_bilevel_steps_search_as_eager_ones_do(fake, monkeypatch):
    """Two epochs of two batches and a smaller one; both optimisers' steps lie in one graph."""
    eager, captured = search(SHORTCUT), search(SHORTCUT)
    captured = replace(captured, engine=replace(captured.engine, path="graphs contiguous"))
    monkeypatch.setattr(graphs, "WARM", 1)
    assert trained(eager) == trained(captured)
    assert_equal_states(eager, captured)
    assert fake.count("capture") == 1


def test_a_rate_that_a_graph_reads_is_changed_in_place():
    rate = torch.tensor(0.1)
    optimiser = torch.optim.SGD([nn.Parameter(torch.ones(2))], rate)
    set_rate(optimiser, 0.5)
    restore(optimiser, {**optimiser.state_dict(), "param_groups": [{**optimiser.state_dict()["param_groups"][0],
                                                                           "lr": torch.tensor(0.25)}]})  # fmt: skip
    assert optimiser.param_groups[0]["lr"] is rate
    assert rate == 0.25


@pytest.mark.training
def test_a_step_that_cannot_be_captured_runs_eagerly_with_a_warning(fake, monkeypatch):
    def refuse(self, step, batch):
        raise RuntimeError("not while a stream is captured")

    monkeypatch.setattr(FakeGraphs, "capture", refuse)
    eager, captured = training("eager channels_last", images=164), graphed(training("eager channels_last", images=164))
    with pytest.warns(UserWarning, match="cannot be one CUDA graph: not while"):
        assert trained(eager) == trained(captured)
    assert_equal_states(eager, captured)


def all_epochs(work):
    said = []
    for number in range(1, work.epochs + 1):
        said.append((yield from work.steps(number)))
    return said


@pytest.mark.training
@pytest.mark.parametrize("chosen", [VGG, CELLS], ids=["vgg", "cells with dropped paths"])
def test_packed_trainings_are_what_they_are_alone(chosen):
    alone = [training(chosen=chosen, seed=seed) for seed in range(3)]
    said = [trained(work) for work in alone]
    together = [training(chosen=chosen, seed=seed) for seed in range(3)]
    trials = {str(place): all_epochs(work) for place, work in enumerate(together)}
    found = {name: points for name, points, _ in in_turn(trials, CPU)}
    assert found == {str(place): points for place, points in enumerate(said)}
    for a, b in zip(alone, together, strict=True):
        assert_equal_states(a, b)


@pytest.mark.training
def test_steps_follow_torchs_schedulers():
    def theirs(scheduler, epochs):
        optimiser = torch.optim.SGD([nn.Parameter(torch.ones(1))], 0.1)
        found, schedule = [], scheduler(optimiser)
        for _ in range(epochs):
            found.append(optimiser.param_groups[0]["lr"])
            optimiser.step()
            schedule.step()
        return found

    def ours(scheduler, epochs):
        return [
            learning_rate(Recipe(lr=0.1, scheduler=Scheduler(**scheduler)), epoch, epochs)
            for epoch in range(1, epochs + 1)
        ]

    schedulers = torch.optim.lr_scheduler
    assert ours({"kind": "step", "gamma": 0.2344, "step": 4}, 10) == pytest.approx(
        theirs(lambda o: schedulers.StepLR(o, 4, 0.2344), 10), rel=1e-12)  # fmt: skip
    assert ours({"kind": "step", "gamma": 0.5, "step": 0.667}, 150) == pytest.approx(
        theirs(lambda o: schedulers.StepLR(o, 100, 0.5), 150), rel=1e-12)  # fmt: skip
    assert ours({"kind": "cosine"}, 12) == pytest.approx(
        theirs(lambda o: schedulers.CosineAnnealingLR(o, 12), 12), rel=1e-9)  # fmt: skip
    assert ours({"kind": "constant"}, 3) == [0.1] * 3


class Reader(nn.Module):
    """Says the class that an image's brightness stands for, with a logit of 2."""

    def forward(self, images):
        return 2.0 * nn.functional.one_hot(images.mean((1, 2, 3)).round().long(), 4)


def test_evaluation_is_exact_on_a_known_network():
    labels = torch.arange(600) % 4
    images = labels.to(torch.uint8)[:, None, None, None].repeat(1, 1, 2, 2)
    wrong = labels.clone()
    wrong[:150] = (wrong[:150] + 1) % 4
    everything = Images(images, wrong)
    how = Engine.choose(CPU, "fp32", DataSet(everything, everything, 4, (0.0,), (1 / 255,)))
    accuracy, loss = how.evaluate(Reader(), everything)
    partition = torch.tensor([2.0, 0, 0, 0]).logsumexp(0).item()
    assert accuracy == 75
    assert loss == pytest.approx(partition - 0.75 * 2, rel=1e-6)


@pytest.mark.parametrize("training_mode", [True, False])
def test_evaluation_leaves_the_network_as_it_was(training_mode):
    work = training()
    work.network.train(training_mode)
    before = {name: value.clone() for name, value in work.network.state_dict().items()}
    work.engine.evaluate(work.network, work.part)
    assert work.network.training is training_mode
    assert all(torch.equal(before[name], value) for name, value in work.network.state_dict().items())


@pytest.mark.parametrize(("images", "sizes"), [(9, [4, 4]), (10, [4, 4, 2]), (8, [4, 4]), (1, [1])])
def test_an_epoch_drops_a_single_image_left_over(images, sizes):
    part = data().train.take(torch.arange(images))
    how = Engine.choose(CPU, "fp32", data())
    recipe = RECIPE.model_copy(update={"batch_size": 4, "augment": "none", "cutout": 0})
    batches = list(how.epoch(part, torch.arange(images), recipe, 0))
    assert [len(labels) for _, labels in batches] == sizes
    assert torch.cat([labels for _, labels in batches]).equal(part.labels[: sum(sizes)])


def times(table):
    """Seconds per name from `table`, the same every time."""
    return lambda name: table[name]


@pytest.mark.parametrize(
    ("seconds", "winner"),
    [((1.0, 0.7, 0.5), "c"), ((1.0, 0.95, 0.97), "a"), ((1.0, 0.8, 2.0), "b")],
)
def test_the_fastest_path_must_be_clearly_faster_and_worth_it(seconds, winner):
    assert engine_paths.fastest(("a", "b", "c"), times(dict(zip("abc", seconds, strict=True)))) == winner


def test_a_trial_of_steps_that_are_short_anyhow_is_for_a_gpu_alone():
    """There a step of a millisecond is bound by launches, which a graph spares."""
    seconds = times({"eager": 0.010, "graphs": 0.001})
    assert engine_paths.fastest(("eager", "graphs"), seconds, small=engine_paths.SMALL) == "eager"
    assert engine_paths.fastest(("eager", "graphs"), seconds) == "graphs"


def prepared(folder):
    space = load_space(VGG[0], VGG[1])
    study = SimpleNamespace(task="images", recipe=RECIPE)
    settings = SimpleNamespace(study=study, search_recipe=RECIPE)
    return SimpleNamespace(study=study, settings=settings, space=space, data_of=lambda job: data(), folder=folder)


def jobs(*kinds):
    settings = {"recipe": RECIPE.model_dump(), "search": {}}
    return Plan({kind: Job(kind, kind, "m", Role.METHOD, settings) for kind in kinds})


BOTH = jobs("search", "train")


@pytest.mark.training
def test_paths_are_forced_or_kept_or_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(
        engine_paths, "fastest", lambda names, seconds, small: names[-1] if seconds(names[-1]) > 0 else ""
    )
    measured = {"network": "products channels_last", "supernet": "products channels_last"}
    assert engine_paths.settled(prepared(tmp_path), BOTH, "cpu") == measured
    row = '{"key": "k", "kind": "train", "status": "done", "path": "eager channels_last"}\n'
    (tmp_path / "trials.jsonl").write_text(row)
    assert engine_paths.settled(prepared(tmp_path), BOTH, "cpu") == {**measured, "network": "eager channels_last"}
    kept = {"network": "eager contiguous", "supernet": "eager contiguous"}
    study = {"name": "one", "space": VGG[0], "space_options": VGG[1], "plan": [], "paths": kept}
    (tmp_path / "study.json").write_text(json.dumps(study))
    assert set(engine_paths.settled(prepared(tmp_path), BOTH, "cpu").values()) == {"eager contiguous"}
    assert set(engine_paths.settled(prepared(tmp_path), BOTH, "cpu", "eager channels_last").values()) == {
        "eager channels_last"
    }
    with pytest.raises(BadInput, match="--path 'eagr' is unknown; cpu has 'eager contiguous', "):
        engine_paths.settled(prepared(tmp_path), BOTH, "cpu", "eagr")
    assert [engine_paths.of(kind, measured | {"supernet": "x"}) for kind in ("search", "train")] == [
        "x",
        measured["network"],
    ]


def test_what_a_trial_sets_for_the_whole_process_is_put_back():
    def state():
        return (torch.get_num_threads(), torch.get_rng_state().tolist(), torch.are_deterministic_algorithms_enabled(),
                torch.backends.cudnn.deterministic, torch.utils.deterministic.fill_uninitialized_memory,
                torch.backends.cudnn.conv.fp32_precision, fp32_precision())  # fmt: skip

    torch.use_deterministic_algorithms(False)
    set_fp32_precision("none")
    before = state()
    with torch_kept():
        make_deterministic(CPU)
        set_fp32_precision("tf32")
        torch.set_num_threads(3)
        torch.manual_seed(1)
        assert all(now != then for now, then in zip(state(), before, strict=True))
    assert state() == before
