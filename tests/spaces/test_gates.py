"""How α becomes weights: each way against its formula, and a one-hot weight against the network that it leaves."""

import copy
from collections import Counter
from itertools import islice

import pytest
import torch
import torch.nn.functional as F
from scipy.stats import chisquare
from torch.distributions import Dirichlet

from benchmarks.plain import cell_forward, shortcut_forward
from spaces.architecture import Cells
from spaces.cells.graph import NONE
from spaces.cells.space import CellSpace
from spaces.gates import dirichlet, exponentiated, gumbel, uniform
from spaces.gates.way import Draw
from spaces.gates.ways import WAYS, named
from spaces.nasbench201.space import BenchSpace
from spaces.shortcuts.space import ShortcutSpace
from tests.plain_cells import seeded, small

SPACES = {
    "shortcut": ShortcutSpace("vgg13", 0.0625),
    "cell-study1": small("cell-study1", cells=2),
    "cell-darts": small("cell-darts"),
    "nasbench201": BenchSpace(cells=1, channels=4),
}
LIKELY, UNLIKELY = 1e12, -30.0  # α by which every way has weights of 1 and 0, but for less than 1e-12


def images(space, count=4):
    size = 32 if isinstance(space, ShortcutSpace) else 12
    return torch.randn(count, 3, size, size, dtype=torch.double, generator=torch.Generator().manual_seed(1))


def prefer(supernet, architecture):
    """α by which nothing but `architecture` counts."""
    for alpha in supernet.alphas.values():
        alpha.data.fill_(UNLIKELY)
    if not isinstance(architecture, Cells):
        closed = torch.ones_like(supernet.alphas["pairs"], dtype=torch.bool)
        for i, k in architecture.pairs:
            supernet.alphas["pairs"].data[i - 1, k - 1], closed[i - 1, k - 1] = LIKELY, False
        if "none" in supernet.alphas:
            none = supernet.alphas["none"].data
            none[closed if none.dim() == 2 else closed.all(0)] = LIKELY
        return
    for kind, alpha in supernet.alphas.items():
        edges = {(edge.source, edge.target): edge.operation for edge in getattr(architecture, kind)}
        for row, pair in enumerate(supernet.grid.pairs):
            alpha.data[row, supernet.grid.operations.index(edges.get(pair, NONE))] = LIKELY


@pytest.mark.parametrize("gate", ["gumbel", "dirichlet"])
def test_cells_of_two_kinds_are_sampled_independently(gate):
    """Over 200 draws with equal α, one of 8 options is the likeliest of both in about one edge of eight."""
    supernet = SPACES["cell-darts"].supernet(10, 3, gate)
    same = []
    for seed in range(200):
        normal, reduction = (supernet._weights(Draw(seed))[name].argmax(-1) for name in ("normal", "reduction"))
        same.append((normal == reduction).double().mean())
    assert sum(same).item() / 200 == pytest.approx(1 / 8, abs=0.03)
    alone = named(gate).weights(supernet.alphas["normal"], -1, Draw(7))
    assert torch.equal(supernet._weights(Draw(7))["normal"], alone), "one kind of cell draws as before"


def learned(supernet, pictures):
    """(logits, gradient of every weight, 0 where it has none)."""
    supernet.zero_grad()
    logits = supernet(pictures)
    F.cross_entropy(logits, torch.arange(len(pictures))).backward()
    weights = {name: p for name, p in supernet.named_parameters() if not name.startswith("alphas.")}
    gradients = {name: torch.zeros_like(p) if p.grad is None else p.grad.clone() for name, p in weights.items()}
    return logits.detach(), gradients


@pytest.mark.parametrize("gate", WAYS)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name == "cell-darts")) for name in SPACES]
)
def test_a_one_hot_gate_is_the_subnet_forward_and_backward(name, gate):
    space = SPACES[name]
    supernet = seeded(space.supernet(10, 3, gate)).double().train()
    rule = "B" if name == "shortcut" else "edge-wise"
    architecture = next(found for found in uniform.paths(space, rule, 3) if found.shortcuts)
    prefer(supernet, architecture)
    mixture = learned(supernet, images(space))
    with supernet.subnet(architecture):
        torch.testing.assert_close(learned(supernet, images(space)), mixture, rtol=1e-6, atol=1e-8)
    if supernet.way.single:
        with supernet.drawn(Draw(7, 0.1)):
            torch.testing.assert_close(learned(supernet, images(space)), mixture, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("rule", ["A", "B"])
def test_a_subnet_of_shortcuts_trains_by_the_batch_and_leaves_the_others_alone(rule):
    """Few pairs one by one, many in one product: either as every pair by itself."""
    space = ShortcutSpace("vgg16", 0.0625)
    supernet = seeded(space.supernet(10, 3, "sigmoid")).double().train()
    architecture, before = next(uniform.paths(space, rule, 0)), copy.deepcopy(dict(supernet.named_buffers()))
    gates = torch.zeros(13, 13, dtype=torch.double)
    for i, k in architecture.pairs:
        gates[i - 1, k - 1] = 1
    with supernet.subnet(architecture):
        logits, _ = learned(supernet, images(space))
    torch.testing.assert_close(logits, shortcut_forward(supernet, images(space), gates), rtol=1e-8, atol=1e-8)
    for name, weight in supernet.named_parameters():
        if "merged" in name:
            i, k = map(int, name.rpartition(".")[2].split("_"))
            assert (weight.grad is not None) == ((i, k) in architecture.pairs), name
    kept = {name: buffer for name, buffer in supernet.named_buffers() if "merged" in name}
    torch.testing.assert_close(kept, {name: before[name] for name in kept}, rtol=0, atol=0)


# --- gumbel


def noise(shape, draw):
    """Standard Gumbel variables: −log of standard exponential ones."""
    return -torch.empty(shape).exponential_(generator=torch.Generator().manual_seed(draw.seed)).log().double()


def slopes(soft, chosen, temperature):
    """d soft_i / d α_j of the chosen i, written out."""
    found = torch.zeros_like(soft)
    for row, i in enumerate(chosen.tolist()):
        for j in range(soft.shape[1]):
            found[row, j] = soft[row, i] * (float(i == j) - soft[row, j]) / temperature
    return found


def test_gdas_gradient_in_a_cell_is_the_hand_made_one():
    space, draw = small("cell-study1", cells=1), Draw(5, 2.0)
    supernet = seeded(space.supernet(10, 3, "gumbel")).double()
    alpha, labels = supernet.alphas["normal"], torch.arange(4)
    with supernet.drawn(draw):
        loss = F.cross_entropy(supernet(images(space)), labels)
    soft = torch.softmax((torch.log_softmax(alpha.detach(), 1) + noise(alpha.shape, draw)) / draw.temperature, 1)
    chosen = soft.argmax(1)
    gates = F.one_hot(chosen, soft.shape[1]).double().requires_grad_()
    wanted = F.cross_entropy(cell_forward(supernet, images(space), {"normal": gates}), labels)
    torch.testing.assert_close(loss, wanted)
    (of_weights,) = torch.autograd.grad(wanted, gates)
    by_hand = of_weights.gather(1, chosen[:, None]) * slopes(soft, chosen, draw.temperature)
    (ours,) = torch.autograd.grad(loss, alpha)
    torch.testing.assert_close(ours, by_hand, rtol=1e-6, atol=1e-10)
    assert ours.abs().sum() > 0


def test_gdas_gradient_of_shortcuts_is_the_hand_made_one():
    """Each pair against none; where none is sampled there is no gradient."""
    space, draw = ShortcutSpace("vgg11", 0.0625), Draw(5, 2.0)
    supernet = seeded(space.supernet(10, 3, "gumbel")).double()
    pairs, labels = supernet.alphas["pairs"], torch.arange(4)
    with supernet.drawn(draw):
        loss = F.cross_entropy(supernet(images(space)), labels)
    two = torch.stack([pairs.detach(), torch.zeros_like(pairs)])
    soft = torch.softmax((torch.log_softmax(two, 0) + noise(two.shape, draw)) / draw.temperature, 0)
    gates = ((soft[0] > soft[1]) & supernet.possible).double().requires_grad_()
    wanted = F.cross_entropy(shortcut_forward(supernet, images(space), gates), labels)
    torch.testing.assert_close(loss, wanted)
    (of_gates,) = torch.autograd.grad(wanted, gates)
    (ours,) = torch.autograd.grad(loss, pairs)
    by_hand = of_gates * gates.detach() * soft[0] * soft[1] / draw.temperature
    torch.testing.assert_close(ours, by_hand, rtol=1e-6, atol=1e-10)
    assert 0 < (ours != 0).sum() < len(space.pairs)


def test_gumbel_samples_options_by_their_probability():
    alpha = torch.log(torch.tensor([0.5, 0.3, 0.15, 0.05]))
    drawn = sum(gumbel.weights(alpha, -1, Draw(seed)) for seed in range(2000))
    assert chisquare(drawn, 2000 * alpha.exp()).pvalue > 1e-3
    torch.testing.assert_close(gumbel.weights(alpha, -1), alpha.exp())
    assert gumbel.weights(alpha, -1, Draw(None)).tolist() == [1, 0, 0, 0]


# --- dirichlet


def test_dirichlet_is_torchs_own_sample_and_gradient():
    alpha = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    alpha[0] = 0  # where every search starts
    alpha.requires_grad_()
    torch.manual_seed(9)
    wanted = Dirichlet(F.elu(alpha) + 1).rsample()
    ours = dirichlet.weights(alpha, -1, Draw(9))
    torch.testing.assert_close(ours, wanted)
    slope = torch.randn(5, 4)
    torch.testing.assert_close(*(torch.autograd.grad((w * slope).sum(), alpha)[0] for w in (ours, wanted)))


def test_dirichlet_weights_tend_to_their_mean_as_the_concentration_grows():
    alpha = torch.rand(50, 6, generator=torch.Generator().manual_seed(0)) + 0.5
    far = []
    for factor in (1.0, 100.0, 1e4, 1e6):
        beta = F.elu(factor * alpha) + 1
        weights = dirichlet.weights(factor * alpha, -1, Draw(1))
        torch.testing.assert_close(weights.sum(-1), torch.ones(50))
        torch.testing.assert_close(dirichlet.weights(factor * alpha, -1), beta / beta.sum(-1, keepdim=True))
        far.append((weights - beta / beta.sum(-1, keepdim=True)).abs().max().item())
    assert far == sorted(far, reverse=True)
    assert far[-1] < 2e-3


def test_a_shortcuts_gate_is_beta_distributed():
    """Mean and variance of Beta(a, b): a / (a + b) and a b / ((a + b)² (a + b + 1))."""
    supernet = ShortcutSpace("vgg11", 0.0625).supernet(10, 3, "dirichlet")
    supernet.alphas["pairs"].data.fill_(2.0)
    drawn = torch.cat([supernet._gates(Draw(seed))[supernet.possible].detach() for seed in range(200)])
    a, b = 3.0, 1.0
    assert drawn.mean().item() == pytest.approx(a / (a + b), abs=0.01)
    assert drawn.var().item() == pytest.approx(a * b / ((a + b) ** 2 * (a + b + 1)), rel=0.1)
    torch.testing.assert_close(supernet.probabilities()["block 5"].detach(), torch.full((3,), a / (a + b)))


# --- exponentiated


def test_an_exponentiated_step_has_its_closed_form():
    alpha = torch.randn(3, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    slope, rate = torch.randn(3, 4, generator=torch.Generator().manual_seed(1)), 0.7
    theta = exponentiated.weights(alpha, -1)
    (gradient,) = torch.autograd.grad((theta * slope).sum(), alpha)
    torch.testing.assert_close(gradient, slope)
    wanted = theta * torch.exp(-rate * slope)
    stepped = exponentiated.weights((alpha - rate * gradient).detach(), -1)
    torch.testing.assert_close(stepped, wanted.detach() / wanted.detach().sum(-1, keepdim=True))


def test_second_derivatives_of_exponentiated_weights_are_those_in_the_weights():
    alpha = torch.randn(4, dtype=torch.double).requires_grad_()
    theta = exponentiated.weights(alpha, -1)
    (first,) = torch.autograd.grad(theta.pow(3).sum(), alpha, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), alpha)
    torch.testing.assert_close(second, 6 * theta.detach())


# --- uniform


def test_paths_are_sampled_uniformly():
    space = CellSpace(nodes=2, concat=1, operations=("conv_3x3", "skip_connect", NONE))
    found = Counter(map(str, islice(uniform.paths(space, "edge-wise", 0), 3000)))
    works = [digits for digits in range(27) if not _dead(digits)]
    assert len(found) == len(works)
    assert chisquare(list(found.values())).pvalue > 1e-3
    first = [str(path) for path in islice(uniform.paths(space, "edge-wise", 1), 20)]
    assert first == [str(path) for path in islice(uniform.paths(space, "edge-wise", 1), 20)]


def _dead(number):
    """Of edges 0→1, 0→2, 1→2 with three operations each, the last none: whether node 2 is not reached."""
    one, two, three = number // 9, number // 3 % 3, number % 3
    return two == 2 and (one == 2 or three == 2)


def test_an_unknown_gate_is_refused():
    with pytest.raises(ValueError, match="gate 'hard' is unknown; there are softmax, sigmoid, gumbel"):
        named("hard")
