"""Pillow's images as uint8 tensors: scaled by the range of their type, or refused by name."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from harness.errors import BadInput, first_line

WIDE = ("I;16", "I;16L", "I;16B", "I;16N")  # Pillow's modes of 16 bits
UNKNOWN = {"I": "32-bit whole numbers", "F": "floating-point numbers"}  # modes whose white is not known
GREY = ("1", "L", "LA")  # modes of one channel
LARGEST_16 = 65535


def read(path: Path) -> Any:
    """The image in a file, decoded in full. Raises BadInput with the path where it is damaged or is no image."""
    from PIL import Image

    if path.exists() and not path.is_file():
        raise BadInput(f"{path} is no regular file, and so no image; remove it")
    if path.is_file() and not path.stat().st_size:
        raise BadInput(f"{path} is empty, no image; remove it, or copy it again")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                image.load()
                return image
    except Exception as error:  # each of Pillow's decoders has its own ways to fail
        reason = first_line(error).replace(f" {str(path)!r}", "")
        raise BadInput(f"{path} is no image that can be read ({reason}); remove it, or copy it again") from None


def as_uint8(image: Any, name: str) -> Tensor:
    """uint8 [C, H, W]: one channel where the image is grey, else RGB; 16 bits are scaled to 8; what is transparent lies
    on white.

    Raises BadInput for whatever `name` names, where the image holds numbers of unknown range.
    """
    if image.mode in WIDE or _is_wide(image):
        values = np.asarray(image).astype(np.float64)
        array = np.rint(values.clip(0, LARGEST_16) * (255 / LARGEST_16)).astype(np.uint8)
    elif image.mode in UNKNOWN:
        raise BadInput(f"{name} holds {UNKNOWN[image.mode]}, for which no value is white by itself; save it with 8 or "
                       "16 bits a channel")  # fmt: skip
    else:
        array = np.array(_plain(image, name))
    pixels = torch.from_numpy(array)
    return (pixels[..., None] if pixels.dim() == 2 else pixels).permute(2, 0, 1)


def _plain(image: Any, name: str) -> Any:
    mode = "L" if image.mode in GREY else "RGB"
    try:
        return (_on_white(image) if image.has_transparency_data else image).convert(mode)
    except (ValueError, OSError) as error:
        raise BadInput(f"{name} has Pillow's mode {image.mode}, which is not turned into RGB ({error}); "
                       "save it as RGB or grey") from None  # fmt: skip


def _on_white(image: Any) -> Any:
    """Where a drawing is black and its ground transparent, the colours alone would show nothing."""
    from PIL import Image

    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(image.convert("RGBA"))
    return white


def _is_wide(image: Any) -> bool:
    """Of formats with 16 bits at most, which Pillow may give the mode of 32."""
    return image.mode == "I" and getattr(image, "format", None) in ("PNG", "PPM")
