"""nas-harness: reads the command line and calls the command's module.

That module is imported when its command is given, so that `--help` answers at once and `report` never loads torch.
"""

import importlib
import os
import sys
from collections.abc import Sequence

from harness.commands import context
from harness.commands.options import parser
from harness.errors import NO_ROOM, BadInput, Stopped


def main(arguments: Sequence[str] | None = None) -> None:
    """Exit status 0: all is there; 1: trials are missing or failed; 2: bad input, with one line that says what."""
    options = parser().parse_args(arguments)
    options.line = context.portable(sys.argv[1:] if arguments is None else arguments)
    try:
        command = importlib.import_module(f"harness.commands.{options.command}")
        sys.exit(command.command(options))
    except BadInput as error:
        print(f"nas-harness: {error}", file=sys.stderr)
        sys.exit(2)
    except Stopped as stop:
        print(f"nas-harness: {stop}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        print(f"nas-harness: {error.filename or 'output'}: no space left on the disk", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("nas-harness: interrupted; the same command again carries on", file=sys.stderr, flush=True)
        _leave(130)


def _leave(status: int) -> None:
    """Without Ray's own tear-down, which can crash after an interrupt; it dies with this process."""
    if "ray" not in sys.modules:
        sys.exit(status)
    sys.stdout.flush()
    os._exit(status)
