"""What a space must keep to where its supernets can be read by perturbation."""

from random import Random
from typing import Any

import numpy as np
import torch

from spaces.decisions import Given, Stages, as_alpha, decided, open_weights, stages
from spaces.space import Space


def decides(space: Space, rule: str, supernet: Any, images: torch.Tensor) -> None:
    """With nothing decided the supernet is as it is; with all decided it is the subnet that the rule reads."""
    supernet.train()  # normalised by the batch, whose statistics a subnet has of its own
    shapes = {name: tuple(alpha.shape) for name, alpha in supernet.alphas.items()}
    choices = stages(space, rule)
    for seed in range(20):
        given = additively_decided(choices, open_weights(shapes), seed)
        architecture = space.discretise(as_alpha(given), rule)
        assert space.parse(str(architecture)) == architecture, f"{architecture} does not parse back"
        if not space.broken(architecture):
            break
    else:
        raise AssertionError(f"none of 20 random decisions gives a working architecture by {rule}")
    with torch.no_grad():
        whole = supernet(images)
        with supernet.fixed(tensors(open_weights(shapes), images)):
            assert torch.equal(whole, supernet(images)), "it differs where nothing is decided"
        with supernet.fixed(tensors(given, images)):
            left = supernet(images)
        with supernet.subnet(architecture):
            alone = supernet(images)
        torch.testing.assert_close(left, alone, rtol=1e-3, atol=1e-4)
        assert torch.equal(whole, supernet(images)), "what was decided stays decided afterwards"


def additively_decided(choices: Stages, given: Given, seed: int) -> Given:
    """By a worth that is a sum over the weights, each times a random value; α says 0.5."""
    rng = np.random.default_rng(seed)
    values = {name: rng.normal(size=weights.shape) for name, weights in given.items()}

    def worth(given: Given) -> tuple[float, ...]:
        return (float(sum((np.nan_to_num(given[name], nan=0.5) * values[name]).sum() for name in given)),)

    order = Random(seed)
    for stage in choices:
        for choice in order.sample(stage, len(stage)):
            given = decided(choice, given, worth)
    return given


def tensors(given: Given, like: torch.Tensor) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(weights).to(like) for name, weights in given.items()}
