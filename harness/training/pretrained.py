"""Pretrained starts: torchvision's ImageNet weights, or a state dict from a file.

A start on left-out images (`study.schema.LEFT_OUT`) is a file as well: what a job planned for it leaves behind.
"""

import errno
import hashlib
import io
import re
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from harness.errors import BadInput
from harness.study.schema import LEFT_OUT

LAYER = re.compile(r"features\.(?P<layer>[0-9]+)\.(?P<what>\w+)")  # of torchvision's VGG


def load_into(network: nn.Module, state: dict[str, Tensor], source: str) -> None:
    """Copies every weight whose name and shape fit the network; the rest (other classes, shortcuts) keep theirs.

    Raises ValueError where nothing fits.
    """
    network.load_state_dict(_fitting(network, state, source), strict=False)


def read(source: str, vgg: str, home: Path | None = None, sha256: str | None = None) -> dict[str, Tensor]:
    """`source`: 'imagenet' (torchvision's VGG with batch norm) or the path of a state dict, from `home` on.

    Raises BadInput where the weights cannot be had, or are others than those of `sha256`.
    """
    return _imagenet(vgg) if source == "imagenet" else _file(source, home, sha256)


def is_file(source: str | None) -> bool:
    """Whether `recipe.pretrained` is a path."""
    return source not in (None, "imagenet", LEFT_OUT)


def digest(source: str, home: Path | None = None) -> str:
    """The SHA-256 of the file at the path, from `home` on. Raises BadInput."""
    return hashlib.sha256(_content(source, home)).hexdigest()


def check(network: nn.Module, source: str, vgg: str, home: Path | None = None) -> None:
    """Raises BadInput where `read` or `load_into` would fail; the network may lie on the meta device."""
    try:
        _fitting(network, read(source, vgg, home), source)
    except ValueError as error:
        raise BadInput(f"recipe.{error}") from None


def _fitting(network: nn.Module, state: dict[str, Tensor], source: str) -> dict[str, Tensor]:
    """By its own names or by ours for torchvision's layers: whichever fit more weights."""
    own = {name: value.shape for name, value in network.state_dict().items()}
    fitting = max((_alike(own, names) for names in (state, from_torchvision(state))), key=_weights)
    if _weights(fitting):
        return fitting
    if _weights(_alike(own, _as_blocks(state, 1))):
        raise ValueError(f"pretrained = '{source}': it holds a VGG without batch norm, and ours has batch norm; take "
                         "torchvision's weights of the name that ends in _bn")  # fmt: skip
    raise ValueError(f"pretrained = '{source}': no weight there fits this network by name and shape")


def _alike(own: dict[str, torch.Size], state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value for name, value in state.items() if own.get(name) == value.shape}


def _weights(state: dict[str, Tensor]) -> int:
    """How many are more than a scale or a shift."""
    return sum(value.dim() > 1 for value in state.values())


def from_torchvision(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """torchvision's `features.N.…` → our `blocks.N.0|1.…`; its classifier goes.

    Nothing where these are not convolution and batch norm in turn: then they are another network's.
    """
    layers = _layers(state)
    normalised = {layer for layer in layers if f"features.{layer}.running_mean" in state}
    return _as_blocks(state, 2) if normalised == set(layers[1::2]) else {}


def _as_blocks(state: dict[str, Tensor], each: int) -> dict[str, Tensor]:
    """Layers of a `features` sequence under our names, `each` of them a block; nothing where they have other names."""
    renamed = {layer: f"blocks.{place // each}.{place % each}" for place, layer in enumerate(_layers(state))}
    found = {name: LAYER.fullmatch(name) for name in state}
    return {f"{renamed[int(at['layer'])]}.{at['what']}": state[name] for name, at in found.items() if at and renamed}


def _layers(state: dict[str, Tensor]) -> list[int]:
    """The numbers of the layers in `features`, in order; none where one of its names is no layer's."""
    found = [LAYER.fullmatch(name) for name in state if name.startswith("features.")]
    return sorted({int(at["layer"]) for at in found if at}) if all(found) else []


def _imagenet(vgg: str) -> dict[str, Tensor]:
    from torchvision.models import get_model_weights

    if "vgg" not in vgg:
        raise BadInput("recipe.pretrained = 'imagenet' is for VGG spaces only; give the path of a state dict instead")
    weights = get_model_weights(f"{vgg.removeprefix('shortcut-')}_bn")["IMAGENET1K_V1"]
    try:
        with redirect_stdout(sys.stderr):  # torch says there that it downloads; a plan may be JSON
            state: Any = weights.get_state_dict(progress=False, check_hash=True)
    except OSError as error:
        raise BadInput(f"recipe.pretrained = 'imagenet': {weights.url.split('/')[-1]} cannot be fetched ({error}); "
                       "put the file into torch's hub folder, or give the path of a state dict") from None  # fmt: skip
    return dict(state)


def _file(source: str, home: Path | None, sha256: str | None) -> dict[str, Tensor]:
    content = _content(source, home)
    if sha256 and hashlib.sha256(content).hexdigest() != sha256:
        raise BadInput(f"recipe.pretrained = '{source}' is not the file that it was when this was planned")
    try:
        state: Any = torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
    except (OSError, RuntimeError, EOFError, ValueError) as error:
        raise BadInput(f"recipe.pretrained = '{source}' cannot be read as a state dict: {error}") from None
    except Exception as error:  # pickle's own errors: something else than tensors lies in the file
        raise BadInput(f"recipe.pretrained = '{source}' holds more than tensors: {type(error).__name__}") from None
    state = state.get("state_dict", state) if isinstance(state, dict) else None  # of a network that a study kept
    if not isinstance(state, dict) or not all(isinstance(n, str) and isinstance(v, Tensor) for n, v in state.items()):
        raise BadInput(f"recipe.pretrained = '{source}' holds no state dict: names with a tensor each")
    return state


def _content(source: str, home: Path | None) -> bytes:
    try:
        path = (home or Path()) / Path(source).expanduser()
        if path.exists() and not path.is_file():
            raise OSError(errno.EINVAL, "no regular file", str(path))
        return path.read_bytes()
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: no home directory; ValueError: a null byte
        why = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else error
        raise BadInput(f"recipe.pretrained = '{source}' cannot be read as a state dict: {why}") from None
