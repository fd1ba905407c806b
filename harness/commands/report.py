"""`nas-harness report`: rebuilds the report of results folders."""

import argparse
from pathlib import Path

from harness.commands import context, report_pages
from harness.errors import BadInput
from harness.storage.files import small_file, write_atomically


def command(options: argparse.Namespace) -> int:
    folders = context.folders(options)
    if len(folders) > 1 and not options.out:
        raise BadInput("several folders make a report of their own: say where, with --out DIR")
    out = Path(options.out) if options.out else None
    report_pages.check(folders[0], out)
    if options.published:
        try:
            content = small_file(Path(options.published))
            report_pages.check_published(Path(options.published))
            write_atomically(folders[0] / "published.csv", content)
        except OSError as error:
            raise BadInput(f"--published {options.published}: {error.strerror}") from None
    report_pages.show(folders, out)
    return 0
