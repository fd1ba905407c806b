"""One option of each choice, sampled by a Gumbel-max whose temperature falls (GDAS, Dong & Yang 2019)."""

import torch
from torch import Tensor

from spaces.gates.way import Draw, Way


def weights(alpha: Tensor, dim: int, draw: Draw | None = None) -> Tensor:
    """hard − soft.detach() + soft at the sampled option, 0 elsewhere; without a draw softmax(α), by which it is read.

    With standard Gumbel noise g and the temperature τ, soft = softmax((log softmax(α) + g) / τ), and hard is 1 at
    soft's largest entry. So the value is 1 at that option i, and its gradient is that of soft_i:
    d soft_i / d α_j = soft_i (δ_ij − soft_j) / τ. Only option i is computed, so that its weight alone passes a gradient
    on to all α_j of the choice, as in the authors' cell of NASNet's space. Their cell of NAS-Bench-201 also adds the
    other options' weights to the sum as numbers, which are 0 but have a gradient; we leave that out. Where "none" is
    sampled nothing is added, and no gradient comes back.

    Without noise (`draw.seed` None) the sampled option is the likeliest.
    """
    if draw is None:
        return torch.softmax(alpha, dim)
    scores = torch.log_softmax(alpha, dim)
    if draw.seed is not None:
        noise = torch.empty(alpha.shape).exponential_(generator=draw.generator()).log_().neg_()
        scores = scores + noise.to(scores)
    soft = torch.softmax(scores / draw.temperature, dim)
    hard = torch.zeros_like(soft).scatter_(dim, soft.detach().argmax(dim, keepdim=True), 1.0)
    return hard * (hard - soft.detach() + soft)


WAY = Way(weights, sampled=True, single=True)
