"""The contract of spaces, run on one of them; for whoever writes a space of their own."""

from collections.abc import Iterator

from spaces.contract import checks
from spaces.space import Space


def verdicts(space: Space) -> Iterator[tuple[str, str]]:
    """(what is checked, why it does not hold or ''), one after the other."""
    for what, check in checks(space):
        try:
            check()
        except Exception as error:
            yield what, str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
        else:
            yield what, ""
