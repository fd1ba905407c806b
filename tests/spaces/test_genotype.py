"""DARTS's own notation: the published cells, read as text, have the published networks' sizes."""

import pytest
import torch

from spaces.architecture import Cells, Edge
from spaces.cells import genotype
from spaces.cells.space import CellSpace
from spaces.cost import parameters

V1 = """DARTS_V1 = Genotype(
    normal=[('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 0), ('sep_conv_3x3', 1),
            ('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 2)],
    normal_concat=[2, 3, 4, 5],
    reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 0),
            ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('avg_pool_3x3', 0)],
    reduce_concat=[2, 3, 4, 5])"""
V2 = """Genotype(
    normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1),
            ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)],
    normal_concat=range(2, 6),
    reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1),
            ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)],
    reduce_concat=range(2, 6))"""


GDAS = """GDAS_V1 = Genotype(
    normal=[(('skip_connect', 0), ('skip_connect', 1)), (('skip_connect', 0), ('sep_conv_5x5', 2)),
            (('sep_conv_3x3', 3), ('skip_connect', 0)), (('sep_conv_5x5', 4), ('sep_conv_3x3', 3))],
    normal_concat=[2, 3, 4, 5],
    reduce=[(('sep_conv_5x5', 0), ('sep_conv_3x3', 1)), (('sep_conv_5x5', 2), ('sep_conv_5x5', 1)),
            (('dil_conv_5x5', 2), ('sep_conv_3x3', 1)), (('sep_conv_5x5', 0), ('sep_conv_5x5', 1))],
    reduce_concat=[2, 3, 4, 5])"""
DRNAS = """DrNAS_cifar10 = Genotype(
    normal=[('sep_conv_3x3', 0), ('sep_conv_5x5', 1), ('sep_conv_3x3', 1), ('sep_conv_3x3', 2),
            ('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 2), ('dil_conv_5x5', 3)],
    normal_concat=range(2, 6),
    reduce=[('max_pool_3x3', 0), ('sep_conv_5x5', 1), ('dil_conv_5x5', 2), ('sep_conv_5x5', 1),
            ('sep_conv_5x5', 1), ('dil_conv_5x5', 3), ('skip_connect', 4), ('sep_conv_5x5', 1)],
    reduce_concat=range(2, 6))"""
PC_DARTS = """PC_DARTS_cifar = Genotype(
    normal=[('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 0), ('dil_conv_3x3', 1),
            ('sep_conv_5x5', 0), ('sep_conv_3x3', 1), ('avg_pool_3x3', 0), ('dil_conv_3x3', 1)],
    normal_concat=range(2, 6),
    reduce=[('sep_conv_5x5', 1), ('max_pool_3x3', 0), ('sep_conv_5x5', 1), ('sep_conv_5x5', 2),
            ('sep_conv_3x3', 0), ('sep_conv_3x3', 3), ('sep_conv_3x3', 1), ('sep_conv_3x3', 2)],
    reduce_concat=range(2, 6))"""


@pytest.mark.parametrize(("text", "count"), [(V1, 3_169_414), (V2, 3_349_342), (GDAS, 3_368_782), (DRNAS, 4_099_294),
                                             (PC_DARTS, 3_634_678)],
                         ids=["DARTS, first order", "DARTS, second order", "GDAS", "DrNAS", "PC-DARTS"])  # fmt: skip
def test_published_cells_have_the_published_networks_parameters(text, count):
    """At C = 36, 20 cells, 10 classes, without the auxiliary head, as DARTS's published code counts them.

    The cells are those of Liu et al. 2019, Dong & Yang 2019 (3.4 M in the paper), Chen et al. 2021 (4.0 M) and
    Xu et al. 2020 (3.6 M).
    """
    space = CellSpace.named("cell-darts")
    with torch.device("meta"):
        assert parameters(space.build(space.parse(text), 10, 3)) == count


def test_edges_of_a_genotype():
    cells = genotype.parse(V2)
    assert (cells.inputs, cells.concat) == (2, (2, 3, 4, 5))
    assert Edge(2, 5, "dil_conv_3x3") in cells.normal
    assert [(edge.source, edge.target) for edge in cells.normal] == [
        (0, 2), (0, 3), (0, 4), (0, 5), (1, 2), (1, 3), (1, 4), (2, 5),
    ]  # fmt: skip
    assert cells.shortcuts == 2 + 3
    assert Cells.parse(str(cells)) == cells


@pytest.mark.parametrize(
    "text",
    [
        "Genotype(normal=[], normal_concat=[])",
        "Genotype(normal=[('a', 0)], normal_concat=[2], reduce=[], reduce_concat=[2])",
        "Genotype(normal=[('a', 'b'), ('c', 1)], normal_concat=[2], reduce=[], reduce_concat=[2])",
        "Genotype(normal=__import__('os').getcwd(), normal_concat=[2], reduce=[], reduce_concat=[2])",
        "Genotype(normal=[], normal_concat=range(open('x')), reduce=[], reduce_concat=[2])",
        "Genotype(normal=[], normal_concat=2, reduce=[], reduce_concat=2)",
        "Genotype(normal=[], reduce=[], **{'a': 1})",
        "Genotype(",
        "Genotype(normal=[]); Genotype(reduce=[])",
        "something(else)",
        "x = 1",
    ],
)
def test_what_is_no_genotype(text):
    with pytest.raises(ValueError, match=r"this is no Genotype"):
        genotype.parse(text)


def test_cells_that_concatenate_differently_do_not_fit():
    with pytest.raises(ValueError, match="concatenate different nodes"):
        genotype.parse(V2.replace("reduce_concat=range(2, 6)", "reduce_concat=[4, 5]"))


def test_operations_outside_the_space_are_refused():
    with pytest.raises(ValueError, match="sep_conv_9x9"):
        CellSpace.named("cell-darts").parse(V2.replace("dil_conv_3x3", "sep_conv_9x9"))
