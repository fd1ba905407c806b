"""Bilevel search on problems with known answers."""

import numpy as np
import pytest
import torch

from harness.training import bilevel


def toy(order, steps=4000, lr=0.1):
    """DARTS, figure 2: L_train = w² - 2αw + α², L_val = αw - 2α + 1, from (α, w) = (2, -2)."""
    alpha, weight = (torch.tensor([value], dtype=torch.float64, requires_grad=True) for value in (2.0, -2.0))
    train = lambda: (weight * weight - 2 * alpha * weight + alpha * alpha).sum()  # noqa: E731
    val = lambda: (alpha * weight - 2 * alpha + 1).sum()  # noqa: E731
    for _ in range(steps):
        if order == 1:
            gradient = torch.autograd.grad(val(), alpha)[0]
        else:
            gradient = bilevel.second_order(train, val, [weight], [alpha], 0.5, [None], 0.9, 0.0)[0]
        with torch.no_grad():
            alpha -= 0.01 * gradient
        step = torch.autograd.grad(train(), weight)[0]
        with torch.no_grad():
            weight -= lr * step
    return alpha.item(), weight.item()


def test_second_order_finds_the_analytic_answer():
    assert toy(2) == pytest.approx((1.0, 1.0), abs=1e-3)


def test_first_order_ends_where_the_direct_gradient_vanishes():
    """With ξ = 0 the gradient is w - 2, so that it ends at α = w = 2, as the figure's curve for ξ = 0 does."""
    assert toy(1) == pytest.approx((2.0, 2.0), abs=1e-3)


def test_second_order_equals_differentiation_through_the_step():
    """Of a quadratic problem, with momentum and weight decay: the central difference is exact there."""
    torch.manual_seed(0)
    a, b, c = (torch.randn(4, 4, dtype=torch.float64) for _ in range(3))
    weight = torch.randn(4, dtype=torch.float64, requires_grad=True)
    alpha = torch.randn(4, dtype=torch.float64, requires_grad=True)
    buffer, lr, momentum, decay = torch.randn(4, dtype=torch.float64), 0.1, 0.9, 0.01

    def train(w=weight):
        return (a @ w).square().sum() + w @ b @ alpha

    def val(w=weight):
        return (c @ w).square().sum() + (w * alpha).sum()

    found = bilevel.second_order(train, val, [weight], [alpha], lr, [buffer], momentum, decay)[0]
    gradient = torch.autograd.grad(train(), weight, create_graph=True)[0]
    ahead = weight - lr * (gradient + decay * weight + momentum * buffer)
    expected = torch.autograd.grad(val(ahead), alpha)[0]
    # decay and momentum act on w alone, so that dw'/dα = -lr d²L_train/dα dw
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.training
@pytest.mark.parametrize("buffered", [True, False])
def test_second_order_goes_through_the_step_that_nesterov_takes(buffered):
    """w' is where `torch.optim.SGD` itself arrives, whose gradient counts 1 + momentum times."""
    torch.manual_seed(0)
    a, b, c = (torch.randn(4, 4, dtype=torch.float64) for _ in range(3))
    weight, alpha = (torch.randn(4, dtype=torch.float64, requires_grad=True) for _ in range(2))
    lr, momentum, decay = 0.1, 0.9, 0.01

    def train(w=weight):
        return (a @ w).square().sum() + w @ b @ alpha

    def val(w=weight):
        return (c @ w).square().sum() + (w * alpha).sum()

    stepping = torch.nn.Parameter(weight.detach().clone())
    optimiser = torch.optim.SGD([stepping], lr, momentum, weight_decay=decay, nesterov=True)
    if buffered:
        train(stepping).backward(inputs=[stepping])
        optimiser.step()
        optimiser.zero_grad()
        with torch.no_grad():
            weight.copy_(stepping)
    buffer = optimiser.state[stepping]["momentum_buffer"].clone() if buffered else None
    found = bilevel.second_order(train, val, [weight], [alpha], lr, [buffer], momentum, decay, nesterov=True)[0]
    gradient = torch.autograd.grad(train(), weight, create_graph=True)[0] + decay * weight
    velocity = gradient if buffer is None else momentum * buffer + gradient
    ahead = weight - lr * (gradient + momentum * velocity)
    train(stepping).backward(inputs=[stepping])
    optimiser.step()
    torch.testing.assert_close(ahead.detach(), stepping.detach(), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(found, torch.autograd.grad(val(ahead), alpha)[0], rtol=1e-6, atol=1e-8)


def test_second_order_leaves_the_weights_as_they_were():
    weight = torch.randn(5, requires_grad=True)
    alpha = torch.randn(5, requires_grad=True)
    before = weight.detach().clone()
    bilevel.second_order(lambda: (weight * alpha).square().sum(), lambda: (weight - alpha).square().sum(),
                         [weight], [alpha], 0.1, [None], 0.0, 0.0)  # fmt: skip
    assert torch.equal(weight.detach(), before)


def test_largest_eigenvalue_of_a_known_hessian():
    rng = np.random.default_rng(0)
    vectors, _ = np.linalg.qr(rng.normal(size=(6, 6)))
    matrix = torch.tensor(vectors @ np.diag([5.0, 2, 1, 0.5, 0.1, 0]) @ vectors.T)
    alphas = [torch.zeros(size, dtype=torch.float64, requires_grad=True) for size in (2, 4)]
    loss = lambda: 0.5 * torch.cat(alphas) @ matrix @ torch.cat(alphas)  # noqa: E731
    assert bilevel.largest_eigenvalue(loss, alphas, 50) == pytest.approx(5.0, rel=1e-6)


def test_largest_eigenvalue_where_another_is_larger_in_magnitude():
    """And where, as with a softmax, a shift of all α leaves the loss as it is."""
    rng = np.random.default_rng(0)
    vectors, _ = np.linalg.qr(np.column_stack([np.ones(6), rng.normal(size=(6, 5))]))
    matrix = torch.tensor(vectors @ np.diag([0, -5.0, 2, 1, -1, 0.5]) @ vectors.T)
    alpha = torch.zeros(6, dtype=torch.float64, requires_grad=True)
    loss = lambda: 0.5 * alpha @ matrix @ alpha  # noqa: E731
    assert bilevel.largest_eigenvalue(loss, [alpha], 200) == pytest.approx(2.0, rel=1e-6)


def test_early_stopping_goes_back_before_the_eigenvalue_grew():
    assert bilevel.sharpened_at([1.0] * 30) is None
    assert bilevel.sharpened_at([1.0] * 9) is None
    # flat for 12 epochs, then growing: the first window whose mean is over 4/3 of the one 5 epochs earlier
    values = [1.0] * 12 + [1.0 + 0.5 * i for i in range(1, 10)]
    around = {epoch: np.mean(values[epoch - 3 : epoch + 2]) for epoch in range(3, 20)}
    first = next(epoch for epoch in range(8, 20) if around[epoch - 5] / around[epoch] < 0.75)
    assert bilevel.sharpened_at(values) == first - 5
    assert bilevel.sharpened_at(values[: first + 2]) == first - 5, "two epochs after the one it is about"
    assert bilevel.sharpened_at(values[: first + 1]) is None
    assert bilevel.sharpened_at(values, centred=False) == first - 3, "as under schema 4"
