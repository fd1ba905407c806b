"""The contract of spaces, run on one of them; for whoever writes a space of their own."""

import argparse
from collections.abc import Iterator

from harness.commands.open_space import opened
from harness.errors import FROM_OUTSIDE
from spaces.contract import checks
from spaces.space import Space


def command(options: argparse.Namespace) -> int:
    """Exit status 1 where anything does not hold."""
    wrong = 0
    for what, why in verdicts(opened(options.space, options.space_options)):
        print(f"FAILED  {what}: {why}" if why else f"ok      {what}", flush=True)
        wrong += bool(why)
    print(f"{options.space}: {f'{wrong} checks failed' if wrong else 'the contract holds'}")
    return 1 if wrong else 0


def verdicts(space: Space) -> Iterator[tuple[str, str]]:
    """(what is checked, why it does not hold or ''), one after the other."""
    for what, check in checks(space):
        try:
            check()
        except FROM_OUTSIDE as error:
            yield what, str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
        else:
            yield what, ""
