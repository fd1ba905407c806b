"""The command line, called in this process."""

import pytest

from harness.cli import main


def ended(*words: object) -> int:
    """The exit status of a command that ends by itself."""
    with pytest.raises(SystemExit) as end:
        main(list(map(str, words)))
    return int(end.value.code or 0)
