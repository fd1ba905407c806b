"""What is said to the user in one line: with exit status 2 where the input is wrong, 1 where a run had to stop."""

import errno

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # of an OSError: the disk is full


class BadInput(Exception):
    """Something in the study, its data or the command line is wrong; the message says what, where and what to do."""


class Stopped(Exception):
    """The run cannot go on: the disk is full, or Ray has died. Nothing is lost; the message says what to do."""


def first_line(error: BaseException) -> str:
    """What it says, in one line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".: ")
