"""What the entries of α are called, for figures: `alpha_labels()` of a space that says so."""

from typing import Any


def labels_of(space: Any) -> dict[str, dict[str, list[str]]]:
    """Array of α → {"rows": names, "columns": names}; {} where the space does not say. Raises ValueError where it gives
    anything else."""
    found: Any = getattr(space, "alpha_labels", dict)()
    if not isinstance(found, dict) or not all(
        isinstance(name, str) and _are_labels(own) for name, own in found.items()
    ):
        raise ValueError(f"alpha_labels() gives {str(found)[:80]}; it must give a dict: array of α → "
                         '{"rows": [names], "columns": [names]}')  # fmt: skip
    return {**found}


def _are_labels(own: Any) -> bool:
    return (
        isinstance(own, dict)
        and own.keys() == {"rows", "columns"}
        and all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in own.values())
    )
