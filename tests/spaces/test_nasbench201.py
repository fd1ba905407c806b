"""NAS-Bench-201's cells: their text, their counts of parameters, their network and their supernet."""

from collections import Counter
from itertools import product
from random import Random

import pytest
import torch
import torch.nn.functional as F
from scipy.stats import chisquare

from spaces.architecture import BENCH_OPERATIONS, BenchCell, parse
from spaces.cost import parameters as counted
from spaces.nasbench201.network import parameters
from spaces.nasbench201.space import GRID, BenchSpace
from tests.plain_cells import seeded

TEXT = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_1x1~1|none~2|"
SMALL = BenchSpace(cells=2, channels=4, train_cells=1, train_channels=4)
CELLS = ["".join(digits) for digits in product("01234", repeat=6)]


def test_every_cell_is_written_and_read_as_the_field_does():
    assert len({str(BenchCell.parse(digits)) for digits in CELLS}) == 15_625
    for digits in CELLS:
        cell = BenchCell.parse(digits)
        assert parse(str(cell)) == cell
        assert cell.digits == digits
    assert str(BenchCell.parse(TEXT)) == TEXT
    assert BenchCell.parse(TEXT).digits == "301420"  # in the order 0→1, 0→2, 1→2, 0→3, 1→3, 2→3
    assert BenchCell.parse(TEXT).shortcuts == 1


def test_our_own_text_of_a_cell_is_read_as_well():
    own = "cells inputs=1 concat=3 normal=0>1:nor_conv_3x3,1>2:skip_connect,0>3:avg_pool_3x3,1>3:nor_conv_1x1"
    assert str(BenchSpace().parse(own)) == TEXT


@pytest.mark.parametrize("text", [
    "", "|", "33333", "3333335", "533333", TEXT + "|none~0|", TEXT.replace("none", "sep_conv_3x3"),
    TEXT.replace("~2", "~1"), TEXT.replace("+", ""), "cells inputs=2 concat=3 normal=0>2:skip_connect",
    "cells inputs=1 concat=3 normal=0>1:conv_3x3", "cells inputs=1 concat=3 normal=0>1:none",
    "cells inputs=1 concat=3 normal=0>1:skip_connect,0>1:nor_conv_1x1", "vgg11 1-3",
])  # fmt: skip
def test_what_is_no_cell_is_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        BenchSpace().parse(text)


@pytest.mark.long
@pytest.mark.parametrize("classes", [10, 100, 120])
def test_networks_have_as_many_parameters_as_the_formula_says(classes):
    """For every number of 1×1 and 3×3 convolutions, in the published size; other operations have no parameters."""
    for small, large in product(range(7), range(7)):
        if small + large > 6:
            continue
        cell = BenchCell.parse("2" * small + "3" * large + "4" * (6 - small - large))
        with torch.device("meta"):
            network = BenchSpace().build(cell, classes, 3)
        assert counted(network) == parameters(cell, classes)


def test_published_sizes():
    assert parameters(BenchCell.parse("000000"), 10) == 73_306  # Dong & Yang 2020: 0.073306 M
    assert parameters(BenchCell.parse("333333"), 10) == 1_531_546


def test_cells_are_sampled_uniformly():
    """All of them by the operations on their edges, and the 24 that have five skips each by itself."""
    cells = [SMALL.draw("edge-wise", Random(seed)) for seed in range(6000)]
    for edge in range(6):
        assert chisquare([*Counter(cell.digits[edge] for cell in cells).values()]).pvalue > 1e-4
    assert len({str(cell) for cell in cells}) > 4500  # 6,000 of 15,625 with replacement: 4,981 expected
    few = Counter(str(SMALL.draw("edge-wise", Random(seed), 5)) for seed in range(4800))
    assert len(few) == 24
    assert chisquare([*few.values()]).pvalue > 1e-4


def test_cells_with_equal_operations_are_sampled_uniformly():
    cell = BenchCell.parse("333310")
    found = Counter(SMALL.draw_alike(cell, "edge-wise", Random(seed), "parameters").digits for seed in range(2900))
    assert len(found) == 29  # 6 · 5 arrangements but its own
    assert cell.digits not in found
    assert chisquare([*found.values()]).pvalue > 1e-4
    assert SMALL.draw_alike(BenchCell.parse("111111"), "edge-wise", Random(0), "parameters") is None


def test_a_cell_is_read_from_alpha_edge_by_edge():
    alpha = torch.zeros(6, 5)
    for row, pair in enumerate(GRID.pairs):
        edge = next((e for e in BenchCell.parse(TEXT).normal if (e.source, e.target) == pair), None)
        alpha[row, BENCH_OPERATIONS.index(edge.operation if edge else "none")] = 1.0
    assert str(SMALL.discretise({"normal": alpha.numpy()}, "edge-wise")) == TEXT


def plainly(supernet, images):
    """The supernet as one would first write it: every operation of every edge by itself."""
    weights = supernet.probabilities()["normal"]
    values = supernet.frame.stem(images)
    for mixed, module in supernet.frame.steps():
        if not mixed:
            values = module(values)
            continue
        nodes = {0: values}
        for source, target in GRID.pairs:
            for column, operation in enumerate(BENCH_OPERATIONS):
                if operation == "none":
                    continue
                name = f"{source}_{target}_{operation}"
                made = module.edges[name] if name in module.edges else module.shared[f"{source}_{operation}"]
                out = weights[GRID.row(source, target), column] * made(nodes[source])
                nodes[target] = nodes[target] + out if target in nodes else out
        values = nodes[3]
    return supernet.frame.classify(values)


@pytest.mark.parametrize("gate", BenchSpace.gates)
def test_the_supernet_is_the_mixture_of_all_operations(gate):
    supernet = seeded(SMALL.supernet(10, 3, gate)).double().eval()
    images = torch.randn(4, 3, 16, 16, dtype=torch.double)
    gradients = []
    for forward in (supernet, lambda x: plainly(supernet, x)):
        supernet.zero_grad()
        logits = forward(images)
        F.cross_entropy(logits, torch.arange(4)).backward()
        gradients.append((logits.detach(), supernet.alphas["normal"].grad.clone()))
    torch.testing.assert_close(gradients[0], gradients[1])
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for cell in supernet.frame.cells
                   for shared in cell.shared.values() for part in shared.modules())  # fmt: skip


def test_a_cell_that_nothing_reaches_guesses():
    """`333000` of the benchmark: its output is zero, whatever the image."""
    cell = BenchCell.parse("333000")
    assert SMALL.broken(cell) == ""
    network = seeded(SMALL.build(cell, 10, 3)).eval()
    logits = network(torch.randn(5, 3, 16, 16))
    assert torch.equal(logits, logits[:1].expand(5, -1))
    assert counted(network) == parameters(cell, 10, 1, 4)
    with SMALL.supernet(10, 3, "softmax").subnet(cell) as _:
        pass


def test_a_subnet_computes_its_own_operations_alone():
    """Against the built network, with the supernet's weights and the batch's own statistics."""
    supernet = seeded(BenchSpace(cells=1, channels=4).supernet(10, 3, "softmax")).double()
    network = seeded(BenchSpace(train_cells=1, train_channels=4).build(BenchCell.parse(TEXT), 10, 3)).double()
    own = dict(supernet.named_parameters())
    with torch.no_grad():
        for name, value in network.named_parameters():
            if name in own:
                value.copy_(own[name])
    images = torch.randn(8, 3, 16, 16, dtype=torch.double)
    with supernet.eval().subnet(BenchCell.parse(TEXT)):
        inside = supernet(images)
    torch.testing.assert_close(inside, network.train()(images))


@pytest.mark.parametrize("options", [{"cells": 0}, {"channels": "4"}, {"train_cells": True}, {"channels": 10**6}])
def test_sizes_that_make_no_network_are_refused(options):
    with pytest.raises(ValueError, match="must be an integer between 1 and"):
        BenchSpace(**options)
