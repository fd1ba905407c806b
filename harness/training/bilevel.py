"""The mathematics of bilevel search, on closures: no images, no network, so that known answers can test it."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Loss = Callable[[], Tensor]
WINDOW, RATIO = 5, 0.75  # of R-DARTS's early stopping


def first_order(loss: Tensor, alphas: Sequence[Tensor]) -> list[Tensor]:
    """dL_val(w, α)/dα at the weights as they are (Liu et al. 2019, eq. 6 with ξ = 0); 0 for what is not in use."""
    gradients = torch.autograd.grad(loss, list(alphas), allow_unused=True)
    return [_or_zero(gradient, alpha) for gradient, alpha in zip(gradients, alphas, strict=True)]


def second_order(train_loss: Loss, val_loss: Loss, weights: Sequence[Tensor], alphas: Sequence[Tensor], lr: float,
                 momenta: Sequence[Tensor | None], momentum: float, decay: float,
                 nesterov: bool = False) -> list[Tensor]:  # fmt: skip
    """dL_val(w'(α), α)/dα for w' one SGD step (momentum and weight decay included) ahead of w.

    Liu et al. 2019, eq. 7 and 8: the direct term at w' less lr × the implicit one, whose Hessian-vector product is a
    central difference with ε = 0.01 / ‖∇w' L_val‖. The weights are left as they were.

    A step of SGD with momentum μ is v = μ · buffer + g; Nesterov's, as `torch.optim.SGD` takes it, is g + μ · v, in
    which the gradient g of the training loss counts 1 + μ times, and so does the implicit term.
    """
    before = [weight.detach().clone() for weight in weights]
    step = torch.autograd.grad(train_loss(), list(weights), allow_unused=True)
    with torch.no_grad():
        for weight, gradient, buffer in zip(weights, step, momenta, strict=True):
            moved = _or_zero(gradient, weight) + decay * weight
            velocity = moved if buffer is None else moved + momentum * buffer
            weight.sub_(lr * (moved + momentum * velocity if nesterov else velocity))
    both = torch.autograd.grad(val_loss(), [*alphas, *weights], allow_unused=True)
    direct = [_or_zero(g, a) for g, a in zip(both, alphas, strict=False)]
    towards = [_or_zero(g, w) for g, w in zip(both[len(alphas) :], weights, strict=True)]
    norm = torch.sqrt(sum((v.float().square().sum() for v in towards), torch.zeros(())))
    epsilon = 0.01 / max(norm.item(), 1e-12)
    ends = [_alpha_gradient(train_loss, weights, alphas, before, towards, sign * epsilon) for sign in (1, -1)]
    _set(weights, before)
    lr *= 1 + momentum if nesterov else 1
    return [d - lr * (plus - minus) / (2 * epsilon) for d, plus, minus in zip(direct, *ends, strict=True)]


def largest_eigenvalue(loss: Loss, alphas: Sequence[Tensor], iterations: int = 20) -> float:
    """Of the Hessian of `loss` in α (R-DARTS, Zela et al. 2020, section 4), by power iteration from a fixed start.

    That finds the one of largest magnitude; where it is negative, a second iteration on the Hessian shifted by it finds
    the largest.
    """
    gradients = torch.autograd.grad(loss(), list(alphas), create_graph=True)

    def times(vectors: Sequence[Tensor]) -> list[Tensor]:
        dot = sum(((g * v).sum() for g, v in zip(gradients, vectors, strict=True)), torch.zeros(()))
        found = torch.autograd.grad(dot, list(alphas), retain_graph=True, allow_unused=True)
        return [_or_zero(product, alpha).detach() for product, alpha in zip(found, alphas, strict=True)]

    dominant = _dominant(times, alphas, iterations)
    if dominant >= 0:
        return dominant
    shifted = lambda vectors: [p - dominant * v for p, v in zip(times(vectors), vectors, strict=True)]  # noqa: E731
    return dominant + _dominant(shifted, alphas, iterations)


def _dominant(times: Callable[[Sequence[Tensor]], list[Tensor]], like: Sequence[Tensor], iterations: int) -> float:
    """The Rayleigh quotient after power iteration. A softmax ignores a shift: a start of ones would give 0."""
    generator = torch.Generator().manual_seed(0)
    vectors = [torch.randn(alpha.shape, generator=generator, dtype=alpha.dtype).to(alpha.device) for alpha in like]
    value = 0.0
    for _ in range(iterations):
        norm = torch.sqrt(sum((v.square().sum() for v in vectors), torch.zeros(())))
        if not norm > 0:
            return 0.0
        vectors = [v / norm for v in vectors]
        products = times(vectors)
        value = float(sum((v * p).sum() for v, p in zip(vectors, products, strict=True)))
        vectors = products
    return value


def sharpened_at(eigenvalues: Sequence[float], centred: bool = True) -> int | None:
    """The epoch (from 1) to go back to, or None while the search may go on.

    R-DARTS (Zela et al. 2020, section 5): with λ(i) the mean of the WINDOW eigenvalues around epoch i, stop at the
    first i where λ(i - WINDOW) / λ(i) < RATIO, and return the architecture of epoch i - WINDOW. The last eigenvalue is
    that of epoch i + WINDOW // 2. Not `centred`, as under schema 4: λ(i) is the mean of the WINDOW up to epoch i.
    """
    means = [sum(eigenvalues[i - WINDOW : i]) / WINDOW for i in range(WINDOW, len(eigenvalues) + 1)]
    for index in range(WINDOW, len(means)):
        if means[index] > 0 and means[index - WINDOW] / means[index] < RATIO:
            return index - WINDOW // 2 if centred else index
    return None


def _alpha_gradient(train_loss: Loss, weights: Sequence[Tensor], alphas: Sequence[Tensor], before: Sequence[Tensor],
                    towards: Sequence[Tensor], scale: float) -> list[Tensor]:  # fmt: skip
    _set(weights, [w + scale * v for w, v in zip(before, towards, strict=True)])
    gradients = torch.autograd.grad(train_loss(), list(alphas), allow_unused=True)
    return [_or_zero(g, alpha) for g, alpha in zip(gradients, alphas, strict=True)]


def _set(weights: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    with torch.no_grad():
        for weight, value in zip(weights, values, strict=True):
            weight.copy_(value)


def _or_zero(gradient: Tensor | None, like: Tensor) -> Tensor:
    return torch.zeros_like(like) if gradient is None else gradient
