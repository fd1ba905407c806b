"""`nas-harness export`: a network that a study kept, as a file for other programs, checked before it is written."""

import argparse
import os
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

from harness.commands import context
from harness.data import datasets
from harness.errors import NO_ROOM, ODD, BadInput, Stopped, first_line
from harness.export import check
from harness.export.formats import FORMATS, Run
from harness.export.trained import Trained, trained
from harness.seeding import Seeds
from harness.storage import networks
from harness.storage.files import write_atomically
from harness.storage.folder import read_study
from harness.storage.rows import complete_rows, latest_rows
from spaces.plugins import untrusted

Row = Mapping[str, Any]
ROUNDING = 1e-9  # of a percentage


def command(options: argparse.Namespace) -> int:
    """Exit status 1 where the file's accuracy is not its row's."""
    (folder,) = context.folders(argparse.Namespace(folders=[options.folder]))
    study = read_study(folder)["name"]
    complete_rows(folder)
    row, why = chosen(folder, options.which)
    out = Path(options.out or named(study, row["key"], FORMATS[options.to].suffix))
    with nullcontext() if options.trust else untrusted():
        try:
            network = trained(folder, row, study)
            run, said = _written(network, options.to, out)
        except ValueError as error:
            raise BadInput(str(error)) from None
        print(f"{', '.join(_methods(row))}, seed {row['seed']} ({row['key']}){why}: {row['architecture']}")
        print(f"{out}: {said}", flush=True)
        return _compared(run, row, datasets.data_root(options.data_root)) if options.check else 0


def named(study: str, key: str, suffix: str) -> str:
    """A name in this folder. Raises BadInput where a folder that somebody else may have made names another place."""
    if Path(name := f"{study}-{key}{suffix}").name != name:
        raise BadInput(f"study.json names the study {study!r} and a row its key {key!r}, which is no name of a file; "
                       "name one with --out")  # fmt: skip
    return name


def chosen(folder: Path, which: str) -> tuple[Row, str]:
    """The row of a key; or of a row of the table the best kept one, and how it was chosen. Raises BadInput."""
    rows = latest_rows(folder)
    if which in rows:
        if not networks.is_final(rows[which]):
            raise BadInput(f"{which} is no finished training: {folder} has no network of it")
        return rows[which], ""
    final = [row for row in rows.values() if networks.is_final(row)]
    own = [row for row in final if which in _methods(row)]
    if not own:
        known = ", ".join(sorted({method for row in final for method in _methods(row)})) or "no finished training yet"
        raise BadInput(f"{folder} has neither a row with the key nor a method '{which}'; there are: {known}")
    there = [row for row in own if row.get("weights") and networks.file(folder, row["key"]).exists()]
    if (found := networks.best(there)) is None:
        raise BadInput(f"{folder} has no kept network of {which}: {networks.fault(folder, own[0])}")
    lowest = min(own, key=networks.place)["key"]
    more = "" if lowest == found["key"] else f" ({lowest}, which was not kept, has a lower one)"
    return found, f", the lowest training loss of {len(there)} kept{more}"


def _methods(row: Row) -> list[str]:
    """Rows of the table that the training is for."""
    return row.get("methods") or [row["method"]]


def _written(network: Trained, name: str, out: Path) -> tuple[Run, str]:
    """What runs the file, and what was found; an equal file that is there already stays. Raises BadInput, Stopped."""
    form = FORMATS[name]
    content = form.write(network)
    draft = out.with_name(f".{out.stem}.{os.getpid()}.draft{out.suffix}")
    try:
        write_atomically(draft, content)
        run = form.opened(draft, network)
        largest = check.logits(run, network.module, network.images)
        if not out.exists():
            os.replace(draft, out)
        elif not (out.is_file() and out.read_bytes() == content):
            raise BadInput(f"{out} exists already and has other contents; name another file with --out, or remove it")
    except OSError as error:
        if error.errno in NO_ROOM:
            raise
        raise BadInput(f"{out} cannot be written: {error.strerror}; name another file with --out") from None
    finally:
        with suppress(OSError):
            draft.unlink()
    return run, f"{len(content) / 1e6:.2f} MB; logits are the network's (largest difference {largest:.1g})"


def _compared(run: Run, row: Row, root: Path | None) -> int:
    try:
        test = datasets.load(row["settings"]["data"], root, seeds=Seeds.of(row["settings"])).test
        said, allowed = float(row["test_accuracy"]), check.tolerance(row, len(test))
    except ODD as error:
        raise BadInput(f"row {row['key']}: was not written by a run ({first_line(error)})") from None
    found = check.accuracy(run, test)
    meant = f"within {allowed:g} points, as it was trained in {row['precision']}" if allowed else "exactly"
    print(f"test accuracy: {found:.4f} % by the file, {said:.4f} % in its row (must agree {meant})")
    if abs(found - said) > allowed + ROUNDING:
        raise Stopped(f"the file's accuracy on {len(test)} test images is not its row's")
    return 0
