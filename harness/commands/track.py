"""`nas-harness track`: sends to trackers what they lack of a study, from its rows alone."""

import argparse
from pathlib import Path

from harness.errors import Stopped
from harness.storage.folder import opened_study
from harness.storage.rows import complete_rows
from harness.trackers.feed import catch_up
from harness.trackers.targets import targets


def command(options: argparse.Namespace) -> int:
    """Raises BadInput where the folder or a tracker is none, Stopped where a tracker does not take the trials."""
    found, folder = targets("--to", options.to), Path(options.folder)
    opened_study(folder)
    complete_rows(folder)  # what is no row is named with its line
    refused, away = 0, []
    for target in found:
        try:
            done = catch_up(target, folder)
        except Stopped as error:
            away.append(str(error))
            continue
        refused += done["refused"]
        line = f"{target.shown}: {done['sent']} trials sent, {done['there']} were there"
        print(line + (f", {done['refused']} refused: {done['why']}" if done["refused"] else ""))
    if away:
        raise Stopped("; ".join(away))
    return 1 if refused else 0
