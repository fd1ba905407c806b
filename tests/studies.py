"""Small studies for the tests: real digits and tiny networks, or a formula in place of training."""

from harness.study.schema import Study
from harness.study.validation import validated

TINY = {
    "name": "tiny",
    "space": "shortcut-vgg11",
    "space_options": {"width": 0.0625},
    "data": {"name": "digits", "train_images": 96, "test_images": 64, "image_size": 32},
    "seeds": {"search": 2},
    "search": {"epochs": 2, "snapshots": [1, 2], "alpha_lr": 0.05},
    "recipe": {"epochs": 2, "batch_size": 32, "lr": 0.02, "augment": "crop", "precision": "fp32"},
    "method": [
        {"name": "darts-A", "rule": "A", "twins": 1},
        {"name": "darts-B", "rule": "B", "twins": 1},
        {"name": "baseline"},
    ],
}


def tiny(**changes) -> Study:
    return validated(Study, {**TINY, **changes}, "tiny")


def as_toml(values: dict) -> str:
    """`values` as a study file."""
    lines = [f"{name} = {_value(value)}" for name, value in values.items() if name not in ("method", "tuning")]
    for table in ("method", "tuning"):
        for entry in values.get(table, []):
            lines += [f"[[{table}]]", *(f"{name} = {_value(value)}" for name, value in entry.items())]
    return "\n".join(lines) + "\n"


def _value(value) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f'"{name}" = {_value(inner)}' for name, inner in value.items()) + " }"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return repr(value) if isinstance(value, int | float) else '"' + str(value) + '"'
