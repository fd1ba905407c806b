"""Twins that share more than the count: uniform over all that qualify, listed one by one; never the network itself."""

from collections import Counter
from itertools import combinations, product
from random import Random

import pytest
from scipy.stats import chisquare

from spaces.alike import check_match, offered
from spaces.architecture import Cells, Edge, Shortcuts
from spaces.cells.rules import choices
from spaces.cells.space import CellSpace
from spaces.sampling import Within
from spaces.shortcuts.space import ShortcutSpace
from spaces.shortcuts.vgg import VGG

VGG11 = ShortcutSpace("vgg11", 0.0625)
CELL = CellSpace(nodes=3, concat=1, operations=("conv_3x3", "skip_connect", "max_pool_3x3", "none"))
PLAIN = sum(p.numel() for p in VGG(Shortcuts("vgg11"), 10, 3, 0.0625).parameters())
DRAWS = 6000


def own_parameters(network):
    """Of its shortcuts, counted on the network that is built."""
    return sum(p.numel() for p in VGG(network, 10, 3, 0.0625).parameters()) - PLAIN


def targets(network):
    return Counter(target for _, target in network.pairs)


def every(count, rule):
    """All networks of the rule with so many shortcuts."""
    found = (Shortcuts("vgg11", pairs) for pairs in combinations(VGG11.pairs, count))
    return [one for one in found if rule == "A" or max(targets(one).values(), default=0) < 2]


def is_uniform(drawn, possible):
    """Every one of `possible` is drawn, about equally often, and nothing else is."""
    assert set(drawn) == set(map(str, possible))
    assert chisquare(list(drawn.values())).pvalue > 1e-3


def shortcut_twins(own, rule, match):
    network = Shortcuts.parse(f"vgg11 {own}")
    return Counter(str(VGG11.draw_alike(network, rule, Random(seed), match)) for seed in range(DRAWS))


@pytest.mark.parametrize(("rule", "own"), [("A", "1-5 2-5 4-6"), ("B", "1-5 4-6 3-8"), ("A", "1-3 3-6 2-6 4-7")])
def test_targets_are_uniform_over_all_with_as_many_into_each_block(rule, own):
    network = Shortcuts.parse(f"vgg11 {own}")
    same = [one for one in every(network.shortcuts, rule) if targets(one) == targets(network) and one != network]
    assert len(same) > 10
    is_uniform(shortcut_twins(own, rule, "targets"), same)


@pytest.mark.long
@pytest.mark.parametrize(("rule", "own"), [("A", "1-5 2-6"), ("B", "1-5 2-6 3-8"), ("A", "1-3 3-6 5-8")])
def test_parameters_are_uniform_over_all_of_equal_count_within_five_percent(rule, own):
    network = Shortcuts.parse(f"vgg11 {own}")
    wanted = own_parameters(network)
    same = [
        one
        for one in every(network.shortcuts, rule)
        if abs(own_parameters(one) - wanted) <= 0.05 * wanted and one != network
    ]
    assert len(same) > 10
    is_uniform(shortcut_twins(own, rule, "parameters"), same)


@pytest.mark.parametrize("rule", ["edge-wise", "node-wise", "darts-top2"])
def test_cells_are_uniform_over_all_that_work_with_as_many_of_each_operation(rule):
    parts = choices(rule, CELL.grid)
    whole = [Cells(1, CELL.concatenated, sum(chosen, ())) for chosen in product(*parts)]
    own = next(one for one in whole if len({edge.operation for edge in one.normal}) > 1 and not CELL.broken(one))
    operations = Counter(edge.operation for edge in own.normal)
    alike = [one for one in whole if Counter(edge.operation for edge in one.normal) == operations]
    same = [one for one in alike if one != own and not CELL.broken(one)]
    drawn = Counter(str(CELL.draw_alike(own, rule, Random(seed), "parameters")) for seed in range(DRAWS))
    assert len(same) > 3
    is_uniform(drawn, same)


def test_each_cell_of_two_keeps_its_own_operations():
    space = CellSpace.named("cell-darts")
    for seed in range(20):
        own = space.draw("darts-top2", Random(seed))
        twin = space.draw_alike(own, "darts-top2", Random(seed), "parameters")
        assert twin != own
        for found, wanted in ((twin.normal, own.normal), (twin.reduction, own.reduction)):
            assert Counter(e.operation for e in found) == Counter(e.operation for e in wanted)


@pytest.mark.parametrize("match", ["targets", "parameters"])
@pytest.mark.parametrize("own", ["", " ".join(f"{i}-{k}" for i, k in VGG11.pairs)])
def test_where_only_the_network_itself_matches_there_is_no_twin(own, match):
    assert VGG11.draw_alike(Shortcuts.parse(f"vgg11 {own}"), "A", Random(0), match) is None


def test_a_cell_that_alone_has_its_operations_has_no_twin():
    whole = tuple(Edge(source, target, "skip_connect") for source, target in CELL.grid.pairs)
    assert CELL.draw_alike(Cells(1, CELL.concatenated, whole), "edge-wise", Random(0), "parameters") is None


@pytest.mark.parametrize(
    ("space", "rule", "own", "twins"),
    [
        (CellSpace(), "edge-wise", "concat=3,4,5 normal=0>3:conv_3x3", 2),  # of 15 cells: 3 work
        (CellSpace(nodes=2, concat=2), "node-wise", "concat=1,2 normal=0>1:skip_connect,0>2:skip_connect", 1),
    ],
)
def test_a_twin_among_few_cells_is_found_by_every_seed(space, rule, own, twins):
    cell = Cells.parse(f"cells inputs=1 {own}")
    drawn = {space.draw_alike(cell, rule, Random(seed), "parameters") for seed in range(300)}
    assert None not in drawn
    assert len(drawn) == twins


def test_of_two_that_match_the_other_one_is_the_twin():
    twin = VGG11.draw_alike(Shortcuts.parse("vgg11 1-4"), "A", Random(0), "targets")
    assert str(twin) == "vgg11 2-4"


def test_a_network_that_its_rule_cannot_give_has_the_twins_that_the_rule_can():
    """A rule of one's own may read two shortcuts into a block and name B to sample by."""
    assert VGG11.draw_alike(Shortcuts.parse("vgg11 1-5 2-5"), "B", Random(0), "targets") is None
    assert VGG11.draw_alike(Shortcuts.parse("vgg11 1-3"), "B", Random(0), "targets") is None
    found = VGG11.draw_alike(Shortcuts.parse("vgg11 1-5 2-5"), "B", Random(0), "parameters")
    assert max(targets(found).values()) == 1


def test_full_size_networks_have_twins_within_five_percent():
    space = ShortcutSpace("vgg19")
    own = space.draw("A", Random(0), 26)
    twin = space.draw_alike(own, "A", Random(1), "parameters")
    sizes = [sum(p.numel() for p in VGG(one, 10, 3, 1.0).parameters()) - 20_040_522 for one in (own, twin)]
    assert twin.shortcuts == 26
    assert sizes[0] != sizes[1]
    assert abs(sizes[1] / sizes[0] - 1) <= 0.05


def test_totals_within_bounds_are_counted_exactly():
    dice = [{(n,): 1 for n in range(1, 7)}] * 3
    assert Within(dice, (3,), (18,)).ways == 216
    assert Within(dice, (10,), (11,)).ways == 54
    assert Within(dice, (19,), (30,)).ways == 0


def test_what_a_space_cannot_match_is_named():
    assert offered(CELL, "node-wise") == ("parameters",)
    with pytest.raises(ValueError, match=r"twins.match = 'targets': by rule 'node-wise' this space matches twins in "
                                         "count or parameters"):  # fmt: skip
        check_match(CELL, "node-wise", "targets")
    check_match(CELL, "node-wise", "count")

    class Bare:
        """A space without the optional methods."""

    with pytest.raises(ValueError, match=r"matches twins in count$"):
        check_match(Bare(), "A", "targets")
