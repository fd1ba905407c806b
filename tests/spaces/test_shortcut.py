"""The shortcut space: counts, rules on hand-made matrices, uniform twins, a merged supernet equal to a plain one."""

from collections import Counter
from random import Random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from benchmarks.plain import shortcut_forward
from spaces.architecture import Shortcuts
from spaces.shortcuts.space import ShortcutSpace
from spaces.shortcuts.vgg import VGG, blocks, is_identity


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def test_vgg19_without_shortcuts_has_the_reports_parameters():
    assert parameters(VGG(Shortcuts("vgg19"), 10, 3, 1.0)) == 20_040_522


@pytest.mark.parametrize(("vgg", "count"), [("vgg11", 8), ("vgg13", 10), ("vgg16", 13), ("vgg19", 16)])
def test_depth_and_pairs(vgg, count):
    space = ShortcutSpace(vgg)
    assert space.depth == count
    assert len(space.pairs) == (count - 1) * (count - 2) // 2
    assert all(k - i >= 2 for i, k in space.pairs)


def test_vgg19_has_105_pairs():
    assert len(ShortcutSpace("vgg19").pairs) == 105


def test_vgg16_bn_of_torchvision_has_as_many_feature_weights():
    from torchvision.models import vgg16_bn

    ours = VGG(Shortcuts("vgg16"), 10, 3, 1.0)
    with torch.device("meta"):
        theirs = vgg16_bn().features
    assert parameters(ours) - parameters(ours.classifier) == parameters(theirs)


def alpha(entries, depth=8):
    pairs = np.zeros((depth, depth))
    for (i, k), value in entries.items():
        pairs[i - 1, k - 1] = value
    return {"pairs": pairs}


def test_rules_on_a_hand_made_matrix():
    space = ShortcutSpace("vgg11")
    found = alpha({(1, 3): 0.2, (1, 4): 0.1, (2, 4): 0.3, (1, 5): -1.0, (3, 8): 2.0, (1, 8): 3.0, (2, 3): 9.0})
    assert space.discretise(found, "A").pairs == ((1, 3), (1, 4), (1, 8), (2, 4), (3, 8))
    assert space.discretise(found, "B").pairs == ((1, 3), (1, 8), (2, 4))


def test_softmax_reads_against_none():
    space = ShortcutSpace("vgg11")
    found = alpha({(1, 3): 0.2, (1, 4): 0.1, (2, 4): 0.3}) | {"none": np.full(8, 0.25)}
    assert space.discretise(found, "A").pairs == ((2, 4),)


@given(st.integers(0, 2**32 - 1))
def test_b_keeps_a_subset_of_a_with_one_source_at_most(seed):
    space = ShortcutSpace("vgg16")
    found = {"pairs": np.random.default_rng(seed).normal(size=(13, 13))}
    a, b = (set(space.discretise(found, rule).pairs) for rule in "AB")
    assert b <= a
    assert {k for _, k in b} == {k for _, k in a}
    assert len({k for _, k in b}) == len(b)


@given(st.integers(0, 2**32 - 1), st.sampled_from("AB"), st.integers(0, 6))
def test_twins_have_exactly_the_count(seed, rule, count):
    twin = ShortcutSpace("vgg11").draw(rule, Random(seed), count)
    assert twin.shortcuts == count
    assert set(twin.pairs) <= set(ShortcutSpace("vgg11").pairs)
    if rule == "B":
        assert len({k for _, k in twin.pairs}) == count


@pytest.mark.long
@pytest.mark.parametrize(("rule", "count", "possible"), [("A", 2, 210), ("B", 2, 175), ("B", 5, 1764)])
def test_twins_are_even_over_architectures(rule, count, possible):
    """Of vgg11's 21 pairs; B's count is the elementary symmetric polynomial of 1..6."""
    space, draws = ShortcutSpace("vgg11"), 20 * possible
    rng = Random(0)
    counts = Counter(space.draw(rule, rng, count) for _ in range(draws))
    assert len(counts) == possible
    assert chisquare(list(counts.values())).pvalue > 1e-3


def test_a_count_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="exactly 7"):
        ShortcutSpace("vgg11").draw("B", Random(0), 7)


def test_long_shortcuts_reach_four_blocks():
    assert Shortcuts("vgg19", ((1, 4), (1, 5), (3, 9))).long_shortcuts == 2


@pytest.mark.parametrize("text", ["vgg19 1-2", "vgg19 1-17", "vgg16 1-3", "vgg19 1>3", "vgg19 0-3"])
def test_text_of_another_space_is_refused(text):
    with pytest.raises(ValueError, match=r"no (architecture|shortcut)"):
        ShortcutSpace("vgg19").parse(text)


def test_parameters_a_shortcut_are_those_of_the_reading():
    """Sampled uniformly, a shortcut of rule A has 0.088 M parameters."""
    space = ShortcutSpace("vgg19")
    plan = blocks("vgg19", 1.0)
    extra = [0 if is_identity(plan[i - 1], plan[k - 1]) else (plan[i - 1].channels + 2) * plan[k - 1].channels
             for i, k in space.pairs]  # fmt: skip
    assert np.mean(extra) / 1e6 == pytest.approx(0.088, abs=0.0005)
    one = space.build(Shortcuts("vgg19", ((2, 16),)), 10)
    assert parameters(one) - 20_040_522 == extra[space.pairs.index((2, 16))]


@pytest.mark.parametrize("vgg", ["vgg11", "vgg19"])
def test_merged_supernet_equals_the_plain_one(vgg):
    torch.manual_seed(0)
    supernet = ShortcutSpace(vgg, 0.0625).supernet(10, 3, "sigmoid").double()
    for parameter in supernet.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    images = torch.randn(8, 3, 32, 32, dtype=torch.float64)
    gates = torch.sigmoid(supernet.alphas["pairs"])
    ours, theirs = supernet(images), shortcut_forward(supernet, images, gates)
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)
    wanted = [p for name, p in supernet.named_parameters() if "merged" in name or name == "alphas.pairs"]
    for a, b in zip(*(torch.autograd.grad(out.square().sum(), wanted) for out in (ours, theirs)), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-8)


def test_running_statistics_come_to_those_of_the_batch():
    torch.manual_seed(0)
    supernet = ShortcutSpace("vgg11", 0.0625).supernet(10, 3, "sigmoid")
    for parameter in supernet.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    images = torch.randn(16, 3, 32, 32)
    with torch.no_grad():
        for _ in range(150):
            trained = supernet(images)
        torch.testing.assert_close(supernet.eval()(images), trained, rtol=0.1, atol=0.1)


def test_a_subnet_of_no_shortcuts_is_the_plain_vgg():
    torch.manual_seed(0)
    space = ShortcutSpace("vgg13", 0.0625)
    supernet = space.supernet(10, 3, "sigmoid").eval()
    network = space.build(space.baseline(), 10, 3).eval()
    network.load_state_dict({k: v for k, v in supernet.state_dict().items() if k in network.state_dict()})
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad(), supernet.subnet(space.baseline()):
        torch.testing.assert_close(supernet(images), network(images))


def test_softmax_gates_sum_to_one_with_none():
    supernet = ShortcutSpace("vgg11", 0.0625).supernet(10, 3, "softmax")
    torch.nn.init.normal_(supernet.alphas["pairs"])
    found = supernet.probabilities()
    assert {name: len(choices) for name, choices in found.items()} == {f"block {k}": k - 1 for k in range(3, 9)}
    for choices in found.values():
        torch.testing.assert_close(choices.sum(), torch.ones(()))
        assert (choices > 0).all()


def test_sigmoid_gates_are_one_for_each_pair():
    space = ShortcutSpace("vgg11", 0.0625)
    supernet = space.supernet(10, 3, "sigmoid")
    supernet.alphas["pairs"].data[0, 4] = 1.0
    found = supernet.probabilities()
    assert sum(map(len, found.values())) == len(space.pairs)
    torch.testing.assert_close(found["block 5"], torch.tensor([torch.tensor(1.0).sigmoid(), 0.5, 0.5]))
