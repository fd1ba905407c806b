"""Each zero-cost score against a value made by hand, and what holds for all of them."""

from itertools import pairwise
from math import e, inf, log
from random import Random

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from harness.study.scores import ZERO_COST
from harness.zero_cost.batch import Batch
from harness.zero_cost.jacov import K, jacobian, jacov
from harness.zero_cost.naswot import codes, naswot
from harness.zero_cost.scores import SCORES
from harness.zero_cost.synflow import saliencies, synflow
from harness.zero_cost.zen import ALPHA, zen
from spaces.cost import cost
from spaces.registry import load


def batch(*shape: int, seed: int = 0, classes: int = 3) -> Batch:
    random = torch.Generator().manual_seed(seed)
    images = torch.randn(*shape, generator=random)
    return Batch(images, torch.randint(0, classes, shape[:1], generator=random), seed)


class Pooled(nn.Module):
    """Global average pooling."""

    def forward(self, images):
        return images.mean((2, 3))


def chain(channels: list[int], kernel: int, *, norm: bool = False, bias: bool = False) -> nn.Sequential:
    torch.manual_seed(sum(channels))
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(channels):
        layers += [nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=bias), nn.ReLU()]
        layers[-1:-1] = [nn.BatchNorm2d(outputs)] * norm
    return nn.Sequential(*layers, Pooled(), nn.Linear(channels[-1], 3, bias=bias))


# synflow


@settings(max_examples=25)
@given(st.lists(st.integers(1, 4), min_size=2, max_size=5), st.sampled_from([1, 3]), st.integers(2, 5))
def test_synaptic_flow_is_conserved_from_layer_to_layer(channels, kernel, size):
    network = chain(channels, kernel)
    flows = [layer.sum().item() for layer in saliencies(network, torch.Size((channels[0], size, size)))]
    assert len(flows) == len(channels)
    assert flows == pytest.approx([flows[0]] * len(flows), rel=1e-9)


def test_synflow_is_the_flow_of_an_image_of_ones_through_sizes_of_weights():
    network = chain([2, 3, 4], kernel=1)
    weights = [
        module.weight.detach().double().flatten(1).abs().numpy() for module in network if hasattr(module, "weight")
    ]
    flow = np.ones(3) @ weights[2] @ weights[1] @ weights[0] @ np.ones(2)  # pooling leaves what is constant
    assert synflow(network, batch(5, 2, 4, 4)) == pytest.approx(log(3 * flow))  # three layers, each with all of it


def test_synflow_knows_neither_signs_nor_batch_norm_nor_images():
    network, like = chain([2, 3, 4], 3), chain([2, 3, 4], 3, norm=True)
    plain = [module for module in like if not isinstance(module, nn.BatchNorm2d)]
    for own, other in zip(network, plain, strict=True):
        other.load_state_dict({name: -value for name, value in own.state_dict().items()})
    for norm in (module for module in like if isinstance(module, nn.BatchNorm2d)):
        nn.init.constant_(norm.weight, 7.0)
    assert synflow(like, batch(4, 2, 6, 6, seed=1)) == pytest.approx(synflow(network, batch(3, 2, 6, 6)))


def test_a_layer_of_weights_e_times_as_large_adds_one_to_synflow():
    network = chain([2, 3, 4], 3)
    before = synflow(network, batch(2, 2, 5, 5))
    with torch.no_grad():
        network[2].weight.mul_(e)
    assert synflow(network, batch(2, 2, 5, 5)) == pytest.approx(before + 1)


def test_a_network_through_which_nothing_flows_has_no_synflow():
    network = chain([1, 2], 1)
    nn.init.zeros_(network[0].weight)
    assert synflow(network, batch(2, 1, 3, 3)) == -inf


# naswot


def by_hand(open_: np.ndarray) -> float:
    """ln |det K| of codes [images, ReLUs], with Hamming distances counted one by one."""
    count, units = open_.shape
    kernel = [
        [units - sum(open_[i, u] != open_[j, u] for u in range(units)) for j in range(count)] for i in range(count)
    ]
    return log(abs(np.linalg.det(np.array(kernel, dtype=float))))


RECTIFIERS = {
    "module": nn.ReLU(), "in place": nn.ReLU(inplace=True), "functional": F.relu, "torch": torch.relu,
    "method": lambda values: values.relu(), "method in place": lambda values: values.clone().relu_(),
}  # fmt: skip


class Rectified(nn.Module):
    """Two layers with a kind of ReLU between, and another ReLU that nothing reads."""

    def __init__(self, rectifier, blind: bool = False) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.first, self.last = nn.Linear(4, 6), nn.Linear(6, 3)
        self.rectifier, self.blind = rectifier, blind

    def forward(self, images):
        hidden = self.first(images.flatten(1))
        if self.blind:
            torch.relu(hidden - 1)
        return self.last(self.rectifier(hidden))


@pytest.mark.parametrize("kind", RECTIFIERS)
def test_naswot_is_the_log_determinant_of_a_kernel_of_hamming_distances(kind):
    network, given_ = Rectified(RECTIFIERS[kind]), batch(3, 1, 2, 2)
    open_ = (network.first(given_.images.flatten(1)) > 0).numpy(force=True)
    assert naswot(network, given_) == pytest.approx(by_hand(open_))
    with torch.no_grad():
        network.first.weight.mul_(5), network.first.bias.mul_(5)  # which opens and closes no ReLU
        network.last.weight.mul_(-3)
    assert naswot(network, given_) == pytest.approx(by_hand(open_))


def test_relus_that_the_logits_do_not_depend_on_are_left_out():
    given_ = batch(3, 1, 2, 2)
    assert naswot(Rectified(F.relu, blind=True), given_) == naswot(Rectified(F.relu), given_)
    assert codes(Rectified(F.relu, blind=True), given_.images).shape == (3, 6)


def test_two_images_of_one_code_have_no_naswot():
    images = batch(3, 1, 2, 2).images
    images[2] = images[1]
    assert naswot(Rectified(F.relu), Batch(images, torch.zeros(3).long())) == -inf


def test_a_network_without_a_relu_is_refused():
    with pytest.raises(ValueError, match="depend on no ReLU"):
        naswot(nn.Sequential(nn.Flatten(), nn.Linear(4, 3)), batch(3, 1, 2, 2))


# snip and grad-norm


def gradients(network: Rectified, given_: Batch) -> list[np.ndarray]:
    """Of the mean cross entropy, in both layers' weights, by the chain rule."""
    images = given_.images.flatten(1).double().numpy()
    layers = (network.first.weight, network.first.bias, network.last.weight, network.last.bias)
    first, bias, last, offset = (value.detach().double().numpy() for value in layers)
    hidden = images @ first.T + bias
    logits = np.maximum(hidden, 0) @ last.T + offset
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    wrong = (chances - np.eye(3)[given_.labels.numpy()]) / len(images)
    return [((wrong @ last) * (hidden > 0)).T @ images, wrong.T @ np.maximum(hidden, 0)]


def test_snip_is_the_sum_of_weights_times_gradients():
    network, given_ = Rectified(F.relu), batch(5, 1, 2, 2)
    weights = [network.first.weight.detach().numpy(), network.last.weight.detach().numpy()]
    expected = sum(np.abs(w * g).sum() for w, g in zip(weights, gradients(network, given_), strict=True))
    assert SCORES["snip"](network, given_) == pytest.approx(expected, rel=1e-5)


def test_grad_norm_adds_up_the_layers_norms():
    network, given_ = Rectified(F.relu), batch(5, 1, 2, 2)
    expected = sum(np.linalg.norm(gradient) for gradient in gradients(network, given_))
    assert SCORES["grad-norm"](network, given_) == pytest.approx(expected, rel=1e-5)


# jacov


def test_jacov_of_a_linear_network_has_its_closed_form():
    """All rows of the Jacobian are equal, so that one eigenvalue is N and the others are 0."""
    score = jacov(nn.Sequential(nn.Flatten(), nn.Linear(12, 5)), batch(6, 3, 2, 2))
    assert score == pytest.approx(-(log(6 + K) + 1 / (6 + K) + 5 * (log(K) + 1 / K)))


class Squared(nn.Module):
    def forward(self, images):
        return (images**2).flatten(1)


def test_jacov_of_two_images_follows_from_their_rows_correlation():
    given_ = batch(2, 1, 3, 3)
    assert torch.equal(jacobian(Squared(), given_.images), 2 * given_.images.flatten(1))
    r = np.corrcoef(given_.images.flatten(1).numpy())[0, 1]
    expected = -sum(log(value + K) + 1 / (value + K) for value in (1 - r, 1 + r))
    assert jacov(Squared(), given_) == pytest.approx(expected, rel=1e-6)


def test_scores_of_a_cell_that_nothing_reaches_are_no_numbers_and_no_errors():
    """NAS-Bench-201 has such cells; they guess."""
    space = load("nasbench201", SPACES["nasbench201"])
    torch.manual_seed(0)
    network, given_ = space.build(space.parse("000000"), 10, 1), batch(4, 1, 16, 16)
    found = {name: score(network, given_) for name, score in SCORES.items()}
    assert [name for name, value in found.items() if value == -inf] == ["synflow", "naswot", "zen"]
    assert np.isnan(found["jacov"])


# zen


def flat(channels: int, norm: bool) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, channels, 1, bias=False), *[nn.BatchNorm2d(channels)] * norm, Pooled(),
                         nn.Linear(channels, 2, bias=False))  # fmt: skip


@pytest.mark.parametrize("norm", [False, True])
def test_zen_is_how_far_gaussian_features_move_with_their_scale_put_back(norm):
    given_ = batch(8, 1, 3, 3, seed=5)
    random = torch.Generator().manual_seed(5)
    weights, _ = (torch.randn(shape, generator=random) for shape in ((3, 1, 1, 1), (2, 3)))
    images, noise = (torch.randn(8, 1, 3, 3, generator=random) for _ in range(2))

    def features(values):
        out = values * weights.flatten()[:, None, None]  # [8, 3, 3, 3]
        mean, variance = out.mean((0, 2, 3), keepdim=True), out.var((0, 2, 3), correction=0, keepdim=True)
        return ((out - mean) / (variance + 1e-5).sqrt(), variance.mean()) if norm else (out, torch.ones(()))

    (before, variance), (after, _) = features(images), features(images + 0.01 * noise)
    moved = ((before - after) ** 2).sum((1, 2, 3)).sqrt().mean()
    assert zen(flat(3, norm), given_) == pytest.approx((moved.log() + variance.sqrt().log()).item(), rel=1e-4)


def test_batch_norm_of_one_channel_hides_nothing_from_zen():
    """f / σ moves 1 / σ as far, up to how the mean and σ of the batch move themselves."""
    given_ = batch(64, 1, 8, 8)
    assert zen(flat(1, norm=True), given_) == pytest.approx(zen(flat(1, norm=False), given_), abs=2 * ALPHA)


def test_zen_does_not_depend_on_the_networks_own_weights_or_on_images():
    network = flat(3, norm=True)
    before = zen(network, batch(8, 1, 3, 3))
    nn.init.constant_(network[0].weight, 9.0)
    assert zen(network, Batch(torch.zeros(8, 1, 3, 3), torch.zeros(8).long(), 0)) == before
    assert zen(network, Batch(torch.zeros(8, 1, 3, 3), torch.zeros(8).long(), 1)) != before


def test_batch_norms_that_the_features_do_not_depend_on_do_not_count_in_zen():
    """Whatever stands on edges into nodes that nothing leaves."""
    space = load("nasbench201", {"train_cells": 1, "train_channels": 4})
    one_way = "|{0}~0|+|none~0|{0}~1|+|skip_connect~0|none~1|none~2|"
    given_ = batch(8, 3, 16, 16)
    bare, dead = (zen(space.build(space.parse(one_way.format(edge)), 10, 3), given_)
                  for edge in ("none", "nor_conv_3x3"))  # fmt: skip
    network = space.build(space.parse(one_way.format("nor_conv_3x3")), 10, 3)
    assert abs(dead - bare) < 2, "the same function with other random weights"
    assert zen(network, given_, dead=True) > dead + 10, "as under schema 4"


def test_a_network_without_global_pooling_is_refused():
    with pytest.raises(ValueError, match="no global average pooling"):
        zen(nn.Sequential(nn.Flatten(), nn.Linear(4, 3)), batch(3, 1, 2, 2))


# all

SPACES = {
    "shortcut-vgg11": {"width": 0.0625}, "nasbench201": {"train_cells": 1, "train_channels": 4},
    "cell-study1": {"train_cells": 3, "train_channels": 4},
    "cell-darts": {"train_cells": 3, "train_channels": 4, "auxiliary": 0.4},
}  # fmt: skip


def drawn(name: str):
    space = load(name, SPACES[name])
    torch.manual_seed(0)
    return space.build(space.draw(space.rules[0], Random(1)), 10, 1)


@pytest.mark.parametrize("score", ZERO_COST)
@pytest.mark.parametrize("space", SPACES)
def test_every_score_of_every_space_is_a_number_again_and_again_and_leaves_the_network_alone(space, score):
    network, given_ = drawn(space), batch(8, 1, 32, 32, classes=10)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    found = [SCORES[score](network.train(mode), given_) for mode in (True, False)]
    assert np.isfinite(found[0])
    assert found[0] == found[1]
    assert not network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(value.grad is None for value in network.parameters())


@pytest.mark.parametrize("space", SPACES)
def test_the_rivals_are_what_a_network_costs(space):
    network, given_ = drawn(space), batch(2, 1, 32, 32)
    assert (SCORES["parameters"](network, given_), SCORES["macs"](network, given_)) == cost(network, 1, 32)


def test_every_name_has_its_function():
    assert tuple(SCORES) == ZERO_COST
