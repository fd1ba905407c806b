"""What a network costs: parameters and multiply-accumulates, on the meta device as well, where nothing is computed."""

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

APART = ("alphas.", "auxiliary.")  # architecture parameters and the auxiliary head are not counted


def parameters(network: nn.Module) -> int:
    """Weights of the network, α and an auxiliary head left out."""
    return sum(value.numel() for name, value in network.named_parameters() if not name.startswith(APART))


def cost(network: nn.Module, channels: int, size: int) -> tuple[int, int]:
    """(parameters, multiply-accumulates of one image [channels, size, size] in evaluation mode).

    Convolutions and linear layers count, as is usual; pooling, normalisation and sums do not.
    """
    training, first = network.training, next(network.parameters())
    image = torch.zeros(1, channels, size, size, device=first.device, dtype=first.dtype)
    counter = FlopCounterMode(display=False)
    try:
        with torch.no_grad(), counter:
            network.eval()(image)
    finally:
        network.train(training)
    return parameters(network), counter.get_total_flops() // 2
