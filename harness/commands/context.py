"""What the words of a command line stand for: a study, the study prepared, results folders.

Imports wait for the command that needs them, so that `--help` answers at once.
"""

import argparse
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import BadInput, say

if TYPE_CHECKING:
    from harness.run.prepare import Prepared
    from harness.run.session import Session
    from harness.study.schema import Study


def study(options: argparse.Namespace) -> "Study":
    """Raises BadInput also where a link leads out of its results folder."""
    from harness.study.load import load_with_recipe

    return unlinked(options, load_with_recipe(options.study, options.changes, options.recipe))


def unlinked(options: argparse.Namespace, study: "Study") -> "Study":
    """The study. Raises BadInput where a link leads out of its results folder."""
    from harness.storage.files import refuse_links

    refuse_links(Path(options.results) / study.name)
    return study


def prepared(options: argparse.Namespace, study: "Study", session: "Session",
              seeds: Mapping[str, int] | None = None) -> "Prepared":  # fmt: skip
    """The study, checked in full; says what may not be meant. Raises BadInput."""
    from harness.commands.open_space import of_outside
    from harness.run.checks.black_box import random_notes
    from harness.run.checks.recipe import pruning_notes
    from harness.run.checks.study import alike
    from harness.run.prepare import prepare
    from harness.study.primary import seed_notes

    with of_outside(study.space):
        found = prepare(
            study, Path(options.results), session.root, options.download, session.device, seeds, reuse=session.reuse,
            elsewhere=session.elsewhere,
        )  # fmt: skip
    own = (*random_notes(found.settings.methods), *pruning_notes(found.settings.tunings), *seed_notes(study))
    for note in (*found.notes, *own):
        say(note)
    for names in alike(found.plan):
        say(f"methods {' and '.join(names)} have equal settings: their trials are the same")
    return found


def as_there(options: argparse.Namespace, study: "Study", session: "Session") -> "Prepared":
    """As `prepared`, with the seeds that looks have given the folder, for commands that add none."""
    from harness.commands import looks

    study, seeds = looks.as_there(Path(options.results) / study.name, study)
    return prepared(options, study, session, seeds)


def confirm(options: argparse.Namespace, prepared: "Prepared") -> None:
    """As `differ`. Raises BadInput where that leaves rows out and no --change confirms it."""
    differ(prepared, leaving_out=options.change)


def differ(prepared: "Prepared", leaving_out: bool = True) -> None:
    """Says how the study differs from the one that the folder holds. Raises BadInput where that leaves rows out, unless
    it may."""
    from harness.run.changes import changes

    found = changes(prepared)
    if found.left_out and not leaving_out:
        raise BadInput(f"{prepared.folder} holds another study of this name ({found}); name this one otherwise, as in "
                       f"--set name={prepared.study.name}-2, or confirm with --change")  # fmt: skip
    if found.fields or found.left_out:
        say(f"the study is not as it was in {prepared.folder} ({found})")


def own_folder(options: argparse.Namespace) -> Path | None:
    """Where a module may lie that the user's own study file names, or the command line where it names a space, or a
    folder of results with --trust; None for other commands on results, which somebody else may have made, and for
    studies of the package."""
    if options.command == "new":
        return Path(options.file).resolve().parent
    if hasattr(options, "changes"):  # a command on a study
        return study_folder(options)
    return Path.cwd() if hasattr(options, "space_options") or getattr(options, "trust", False) else None


def study_folder(options: argparse.Namespace) -> Path | None:
    """Where the study file lies; None where it is one of the package."""
    return Path(options.study).resolve().parent if os.path.isfile(options.study) else None


def check_address(options: argparse.Namespace) -> None:
    """Before anything that takes long, imports too. Raises BadInput where no cluster answers."""
    if address := getattr(options, "address", None):
        from harness.ray_tune import reach

        reach.check(address)


def reused(options: argparse.Namespace) -> tuple[Path, ...]:
    """Raises BadInput also where rows are none, which would become rows of the study."""
    from harness.storage.rows import complete_rows

    found = _studies(getattr(options, "reuse", []))
    for folder in found:
        complete_rows(folder)
    return tuple(found)


def folders(options: argparse.Namespace) -> list[Path]:
    """Raises BadInput where one holds no study."""
    return _studies(options.folders)


def _studies(folders: Sequence[str]) -> list[Path]:
    from harness.storage.folder import opened_study

    found = [Path(folder) for folder in folders]
    for folder in found:
        opened_study(folder)
    return found


def portable(arguments: Sequence[str]) -> str:
    """The command as it can be given on any machine: data lie in DATA there, results where they are kept, and files of
    the user's in the current folder.

    Trackers are left out, their addresses may hold passwords. An option counts by its beginning, too, as a caller's own
    parser may take it.
    """
    words: list[str] = []
    for argument in arguments:
        words += argument.split("=", 1) if argument.startswith("--") else [argument]
    out = ["nas-harness"]
    for word, before in zip(words, ["", *words], strict=False):
        if _begins(before, "--data-root"):
            out.append("DATA")
        elif _begins(before, "--reuse"):
            out.append(f"results/{Path(word).name}")
        elif not any(_begins(one, option) for one in (word, before) for option in ("--results", "--track")):
            out.append(Path(word).name if os.path.isabs(word) else word)
    return shlex.join(out)


def _begins(word: str, option: str) -> bool:
    return len(word) > len("--t") and option.startswith(word)
