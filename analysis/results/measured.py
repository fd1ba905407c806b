"""What `nas-harness measure` found: latency and memory of networks, beside the rows."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.numbers import visible
from analysis.results.protocol_view import Damaged

FILE = "measured.csv"
NUMBERS = ("batch", "threads", "median_ms", "low_ms", "high_ms", "peak_memory_bytes")
TEXTS = ("key", "device", "hardware", "precision", "torch", "measured")


def read(folder: Path) -> pd.DataFrame:
    """A line for each training and batch size, in the columns that `measure` writes, whatever others there are.

    Raises Damaged where the file is none that it wrote.
    """
    path = folder / FILE
    try:
        found = pd.read_csv(path, dtype=dict.fromkeys(TEXTS, str), encoding_errors="replace")
        numbers = {name: pd.to_numeric(found[name]) for name in NUMBERS}
        texts = {name: found[name].fillna("").map(visible) for name in TEXTS}
    except (ValueError, KeyError) as error:
        raise Damaged(
            f"{path} is none that nas-harness measure wrote ({error}): remove it, and measure again"
        ) from None
    known = {**texts, **numbers}
    return pd.DataFrame({name: known[name] for name in found if name in known})


def every(folders: Iterable[Path]) -> pd.DataFrame:
    """What was measured of the networks of all `folders`; no line where nothing was. Raises Damaged."""
    found = [read(folder) for folder in folders if (folder / FILE).exists()]
    return pd.concat(found or [pd.DataFrame(columns=[*TEXTS, *NUMBERS])], ignore_index=True)


def place(device: Any, hardware: Any, threads: Any) -> str:
    """Where it was measured, for people."""
    count = f"{threads:g} {'thread' if threads == 1 else 'threads'}"
    return str(hardware) if str(device).startswith("cuda") else f"{hardware}, {count}"
