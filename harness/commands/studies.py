"""`nas-harness studies`: the studies that come with the package, or the file of one of them."""

import argparse

from harness.study.load import packaged, packaged_text


def command(options: argparse.Namespace) -> int:
    if options.name:
        print(packaged_text(options.name), end="")
        return 0
    names = packaged()
    width = max(map(len, names))
    for name in names:
        print(f"{name:{width}}  {about(packaged_text(name))}")
    return 0


def about(text: str) -> str:
    """The comment at the top of a study file, in one line."""
    lines = text.splitlines()
    end = next((number for number, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return " ".join(line.lstrip("# ") for line in lines[:end])
