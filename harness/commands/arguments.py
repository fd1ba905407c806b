"""Words of a command line that are taken as they are, where they say something. Standard library only."""

import argparse
from os.path import expanduser


def something(text: str) -> str:
    """A shell makes nothing of a variable that is not set."""
    if not text.strip():
        raise argparse.ArgumentTypeError("must not be empty; give a value, or leave it out")
    return text


def path(text: str) -> str:
    """A shell leaves the tilde of `--results=~/results` as it is."""
    if "\0" in text:
        raise argparse.ArgumentTypeError("it holds a null byte, which no path does")
    return expanduser(something(text))
