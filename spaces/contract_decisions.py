"""What a space must keep to where its supernets can be read by perturbation."""

from random import Random
from typing import Any

import numpy as np
import torch

from spaces.decisions import Fixed, Stages, as_alpha, decided, open_weights, stages
from spaces.space import Space


def decides(space: Space, rule: str, supernet: Any, images: torch.Tensor) -> None:
    """With nothing decided the supernet is as it is; with all decided it is the subnet that the rule reads."""
    supernet.train()  # normalised by the batch, whose statistics a subnet has of its own
    shapes = {name: tuple(alpha.shape) for name, alpha in supernet.alphas.items()}
    choices = stages(space, rule)
    for seed in range(20):
        fixed = additively_decided(choices, open_weights(shapes), seed)
        architecture = space.discretise(as_alpha(fixed), rule)
        assert space.parse(str(architecture)) == architecture, f"{architecture} does not parse back"
        if not space.broken(architecture):
            break
    else:
        raise AssertionError(f"none of 20 random decisions gives a working architecture by {rule}")
    with torch.no_grad():
        whole = supernet(images)
        with supernet.fixed(tensors(open_weights(shapes), images)):
            assert torch.equal(whole, supernet(images)), "it differs where nothing is decided"
        with supernet.fixed(tensors(fixed, images)):
            left = supernet(images)
        with supernet.subnet(architecture):
            alone = supernet(images)
        torch.testing.assert_close(left, alone, rtol=1e-3, atol=1e-4)
        assert torch.equal(whole, supernet(images)), "what was decided stays decided afterwards"


def additively_decided(choices: Stages, fixed: Fixed, seed: int) -> Fixed:
    """By a worth that is a sum over the weights, each times a random value; α says 0.5."""
    rng = np.random.default_rng(seed)
    values = {name: rng.normal(size=weights.shape) for name, weights in fixed.items()}

    def worth(fixed: Fixed) -> tuple[float, ...]:
        return (float(sum((np.nan_to_num(fixed[name], nan=0.5) * values[name]).sum() for name in fixed)),)

    order = Random(seed)
    for stage in choices:
        for choice in order.sample(stage, len(stage)):
            fixed = decided(choice, fixed, worth)
    return fixed


def tensors(fixed: Fixed, like: torch.Tensor) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(weights).to(like) for name, weights in fixed.items()}
