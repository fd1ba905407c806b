"""Switches make a step faster and leave its result: the same bits where nothing is left out, else but for rounding."""

from typing import Any

import pytest
import torch
from torch import nn

from harness.engine.device import known_paths, paths
from harness.errors import BadInput
from harness.run.engine_paths import settled
from tests.gpu.pretended import pretended
from tests.gpu.works import EAGER, GRAPHS, network, run, training

CPU = torch.device("cpu")


@pytest.mark.parametrize("device", ["cpu", "cuda", "mps"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_no_switch_is_used_unless_it_is_named(device: str, precision: str) -> None:
    there = torch.device(device)
    more = set(known_paths(there, precision)) - set(paths(there, precision))
    assert not any(word in path for path in paths(there, precision) for word in ("lean", "shadow", "compiled"))
    assert any("lean" in path for path in more)
    assert any("compiled" in path for path in more) is (precision == "bf16")
    nothing: Any = None
    path = sorted(more)[0]
    assert settled(nothing, nothing, device, path) == {"network": path, "supernet": path}
    with pytest.raises(BadInput, match="is unknown"):
        settled(nothing, nothing, device, path + " quick")


def trained(name: str, path: str, precision: str = "bf16", epochs: int = 2) -> tuple[list[float], Any]:
    """Each epoch's loss, and the training."""
    work = training(name, path, precision, epochs=epochs, images=16, device=CPU)
    losses = []
    for number in range(1, epochs + 1):
        steps = work.steps(number)
        try:
            while True:
                next(steps)
        except StopIteration as end:
            losses.append(end.value["train_loss"])
    return losses, work


def state(work: Any) -> dict[str, torch.Tensor]:
    return dict(work.network.state_dict())


@pytest.mark.training
@pytest.mark.parametrize("name", ["tiny", pytest.param("vgg11", marks=pytest.mark.slow),
                                  pytest.param("cells", marks=pytest.mark.slow)])  # fmt: skip
@pytest.mark.parametrize("also", ["", " lean"])
def test_one_copy_of_all_weights_gives_the_same_bits(name: str, also: str) -> None:
    losses, work = trained(name, EAGER + also)
    again, shadowed = trained(name, f"{EAGER} shadow{also}")
    assert losses == again
    assert state(work).keys() == state(shadowed).keys()
    assert all(torch.equal(value, state(shadowed)[key]) for key, value in state(work).items())
    assert work.engine.evaluate(work.network, work.part) == shadowed.engine.evaluate(shadowed.network, work.part)


@pytest.mark.training
@pytest.mark.parametrize("name", ["tiny", pytest.param("vgg11", marks=pytest.mark.slow)])
def test_biases_before_a_norm_change_nothing(name: str) -> None:
    losses, work = trained(name, "eager contiguous", "fp32", epochs=1)
    again, lean = trained(name, "eager contiguous lean", "fp32", epochs=1)
    assert again == pytest.approx(losses, rel=1e-3)
    judged = lean.engine.evaluate(lean.network, work.part)[1]
    assert judged == pytest.approx(work.engine.evaluate(work.network, work.part)[1], rel=1e-2)


def parts(network: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in network.state_dict().items()}


@pytest.mark.training
def test_a_lean_network_has_the_same_parameters_and_checkpoints() -> None:
    _, work = trained("vgg11", EAGER, epochs=1)
    _, lean = trained("vgg11", EAGER + " lean", epochs=1)
    assert parts(work.network) == parts(lean.network)
    lean.restore(work.state())
    work.restore(lean.state())


def odd_biases(built: nn.Module) -> dict[str, torch.Tensor]:
    """As pretrained weights have them."""
    for name, value in built.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(value, generator=torch.Generator().manual_seed(len(name)))
    return built.state_dict()


@pytest.mark.training
def test_weights_with_biases_say_the_same_in_a_lean_network() -> None:
    """Loaded before the network is placed, or after, as a checkpoint is."""
    start = odd_biases(network("vgg11"))
    plain, lean = (
        training("vgg11", path, "fp32", device=CPU) for path in ("eager contiguous", "eager contiguous lean")
    )
    judged = []
    for work in (plain, lean):
        work.network.load_state_dict(start)
        judged.append(work.engine.evaluate(work.network, work.part)[1])
    built = network("vgg11")
    built.load_state_dict(start)
    judged.append(lean.engine.evaluate(lean.engine.place(built), plain.part)[1])
    assert judged[1:] == pytest.approx([judged[0]] * 2, rel=1e-4)


@pytest.mark.training
@pytest.mark.slow
@pytest.mark.parametrize("also", ["", " lean"])
def test_a_compiled_step_agrees_but_for_rounding(also: str) -> None:
    losses, work = trained("tiny", EAGER + also)
    again, compiled = trained("tiny", f"{EAGER} compiled{also}")
    assert again == pytest.approx(losses, rel=2e-2)
    assert state(work).keys() == state(compiled).keys()
    compiled.engine.evaluate(compiled.network, compiled.part)


def kernels(path: str) -> dict[str, int]:
    """Of one step on a made-up GPU."""
    with pretended() as card:
        work = training("tiny", path, images=12)
        steps = work.steps(1)
        next(steps)
        before = card.kernels.copy()
        next(steps)
        card.check()
    return dict(card.kernels - before)


@pytest.mark.training
def test_switches_take_kernels_away() -> None:
    eager, lean, shadow = (kernels(EAGER + more) for more in ("", " lean", " shadow"))
    assert eager["add_"] == lean.get("add_", 0) + 1  # the counter
    casts = eager["_to_copy"] - shadow["_to_copy"]
    assert casts == 2 * 4  # two weights and two biases there, and their gradients back
    assert shadow["_foreach_copy_"] == 2


@pytest.mark.training
@pytest.mark.parametrize("switch", ["lean", "shadow", "shadow lean"])
def test_a_switched_step_is_captured(switch: str) -> None:
    with pretended() as card:
        work = training("tiny", f"{GRAPHS} {switch}")
        assert run(work) == card.kernels["_fused_sgd_"] - card.captures + card.replays
        assert card.captures == 1
        card.check()
