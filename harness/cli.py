"""nas-harness: reads the command line and calls the command's module.

That module is imported when its command is given, so that `--help` answers at once and `report` never loads torch.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import TextIO, cast

from harness.commands import boundary, context
from harness.commands.options import parser
from harness.errors import BadInput, Ended, Stopped, say

UNTIL_LATER = 75  # sysexits.h's EX_TEMPFAIL: the same command again goes on


def main(arguments: Sequence[str] | None = None) -> None:
    """Ends the process with the status that docs/commands.md explains and `--help` lists."""
    boundary.open_streams()
    options = parser().parse_args(arguments)
    options.line = context.portable(sys.argv[1:] if arguments is None else arguments)
    with boundary.signals() as heard, redirect_stdout(cast(TextIO, boundary.Visible(sys.stdout))):
        try:
            status = _run(options)
        except BrokenPipeError:
            boundary.close_unread()
            status = 1
        except KeyboardInterrupt as stop:
            signal = next(iter(heard or (stop.args if isinstance(stop, Ended) else ())), None)
            say(f"{f'ended by {signal}' if signal else 'interrupted'}; the same command again carries on")
            _leave(UNTIL_LATER if signal else 130)
    sys.exit(status)


def _run(options: argparse.Namespace) -> int:
    from spaces.plugins import beside  # here, so that --help answers at once

    try:
        boundary.check_here()
        context.check_address(options)
        with boundary.named_paths(options), beside(context.own_folder(options)):
            status = int(importlib.import_module(f"harness.commands.{options.command}").command(options))
            sys.stdout.flush()
        return status
    except BadInput as error:
        say(*error.args)
        return 2
    except Stopped as stop:
        say(stop)
        boundary.close_unread()
        return 1


def _leave(status: int) -> None:
    """Without Ray's own tear-down, which can crash after an interrupt; it dies with this process."""
    if "ray" not in sys.modules:
        sys.exit(status)
    boundary.close_unread()
    os._exit(status)
