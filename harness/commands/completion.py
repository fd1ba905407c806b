"""`nas-harness completion`: a script that completes commands, options, studies of the package and paths in a shell."""

import argparse
from typing import Any

import shtab

from harness.commands.options import parser
from harness.study.load import packaged

STUDIES = {"bash": "_nas_harness_studies", "zsh": "_nas_harness_studies", "tcsh": "f"}
PREAMBLE = {
    "bash": """
_nas_harness_studies() {
  compgen -W "%s" -- "$1"
  _shtab_compgen_files "$1"
}
""",
    "zsh": """
_nas_harness_studies() {
  compadd -- %s
  _files
}
""",
}
COMPLETED = {  # option or argument → what its values are
    **dict.fromkeys(("study", "name"), STUDIES),
    **dict.fromkeys(("recipe", "export", "export_sqlite", "published", "given", "svg", "file"), shtab.FILE),
    **dict.fromkeys(("folders", "folder", "results", "data_root", "out", "reuse"), shtab.DIRECTORY),
}


def command(options: argparse.Namespace) -> int:
    print(script(options.shell))
    return 0


def script(shell: str) -> str:
    top = parser()
    commands = next(action.choices for action in top._actions if action.dest == "command")
    assert isinstance(commands, dict)
    for one in commands.values():
        for action in one._actions:
            if values := COMPLETED.get(action.dest):
                action.complete = values
    names = " ".join(packaged())
    preamble = {name: text % names for name, text in PREAMBLE.items()}
    complete: Any = shtab.complete  # its preamble may be one for each shell, which its types do not say
    return str(complete(top, shell=shell, preamble=preamble))
