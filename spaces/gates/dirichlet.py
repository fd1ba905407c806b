"""Weights drawn from a Dirichlet distribution whose concentration is learned (DrNAS, Chen et al. 2021)."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from spaces.gates.way import Draw, Way


def weights(alpha: Tensor, dim: int, draw: Draw | None = None) -> Tensor:
    """θ ~ Dirichlet(β) with β = elu(α) + 1, differentiated along the sample's path; without a draw its mean β / Σβ.

    Of two options it is the Beta distribution: a shortcut's gate has α of its own for "there" and for "not there".

    Of the paper's regularisation, which keeps β near 1, the squared distance of α from 0 is there as
    `alpha_weight_decay` (the authors' code takes 1e-3, and starts α with `alpha_noise` = 1e-3); its form as a
    Kullback-Leibler divergence is not, and neither is the progressive pruning of operations.
    """
    small = alpha <= 0  # elu(α) + 1, of which exp(α) does not round to 0
    beta = torch.where(small, alpha.masked_fill(~small, 0.0).exp(), alpha + 1)
    if draw is None or draw.seed is None:
        return beta / beta.sum(dim, keepdim=True)
    sample: Tensor = Sampled.apply(beta.movedim(dim, -1), draw.generator())
    return sample.movedim(-1, dim)


class Sampled(torch.autograd.Function):
    """torch's own sample and gradient of `torch.distributions.Dirichlet.rsample`, with a generator of our own: that
    takes none. Drawn on the CPU, so that every device has the same numbers."""

    @staticmethod
    def forward(ctx: Any, beta: Tensor, generator: torch.Generator) -> Tensor:
        here = beta.detach().cpu().contiguous()
        sample: Tensor = torch._sample_dirichlet(here, generator=generator)
        ctx.save_for_backward(sample, here)
        return sample.to(beta)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        sample, beta = ctx.saved_tensors
        own = gradient.detach().cpu()
        total = beta.sum(-1, keepdim=True).expand_as(beta)
        slope = torch._dirichlet_grad(sample, beta, total)
        return (slope * (own - (sample * own).sum(-1, keepdim=True))).to(gradient), None


WAY = Way(weights, sampled=True, absolute=True)
