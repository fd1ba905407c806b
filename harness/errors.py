"""What is said to the user in one line: with exit status 2 where the input is wrong, 1 where a run had to stop."""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

# Of contents of another shape.
ODD = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
FROM_OUTSIDE = (Exception, SystemExit)  # what a user's own space, rule, loader or task may raise
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # of an OSError: the disk is full
NO_SPACE_LEFT = "{folder}: no space left on the disk; free some, then the same command carries on"


class BadInput(Exception):
    """Something in the study, its data or the command line is wrong; the message says what, where and what to do.

    Several arguments are several lines.
    """

    def __str__(self) -> str:
        return "\n".join(map(str, self.args))


class Stopped(Exception):
    """The run cannot go on: the disk is full, or Ray has died. Nothing is lost; the message says what to do."""


class Ended(KeyboardInterrupt):
    """A signal other than Ctrl-C's asks this process to end; everything ends as at Ctrl-C."""


def visible(text: str) -> str:
    """`text` without what a terminal would obey: but for newlines, what cannot be seen stands there as an escape."""
    return "".join(c if c == "\n" or c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def say(*lines: object) -> None:
    """To the user, each in one line; what cannot be written is left out."""
    with suppress(OSError):
        for line in lines:
            print(f"nas-harness: {visible(' '.join(str(line).split()))}", file=sys.stderr, flush=True)


def first_line(error: BaseException) -> str:
    """What it says, in one line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".: ")


@contextmanager
def explained(what: str, advice: str = "", passing: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Raises BadInput where code from outside, which its author may not have finished, fails before anything starts.
    Errors of the types `passing` pass through."""
    said: tuple[type[Exception], ...] = (BadInput, *passing)
    try:
        yield
    except said:
        raise
    except FROM_OUTSIDE as error:
        raise BadInput(
            f"{what} fails before anything starts: {type(error).__name__}: {first_line(error)}{advice}"
        ) from None
