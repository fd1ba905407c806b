"""Whoever reads what a command writes, or nobody: it ends with a status, without a traceback, and no row suffers."""

import subprocess
import sys
from pathlib import Path

import pytest
from odd import answers
from odd.odd_inputs import STUDY

COMMANDS = {
    "run": ["study.toml", "--executor", "in-process"],
    "tune": ["study.toml", "--executor", "in-process"],
    "plan": ["study.toml"],
    "probe": ["study.toml", "--seconds", "0.1"],
    "status": ["results/driven"],
    "report": ["results/driven"],
    "verify": ["results/driven"],
    "decode": ["vgg11 1-3", "--space", "shortcut-vgg11"],
    "check": ["shortcut-vgg11", "--option", "width=0.0625"],
    "studies": [],
    "completion": ["bash"],
}
WAYS = {
    "a pipe that nobody reads": "| true",
    "a pipe of which one line is read": "| head -n 1",
    "no output": ">&-",
    "no output for errors": "2>&-",
    "neither, and no input": ">&- 2>&- <&-",
    "nothing but ASCII": "",
}
OFTEN = {("run", "neither, and no input"), ("status", "a pipe that nobody reads"), ("status", "neither, and no input"),
         ("decode", "a pipe that nobody reads"), ("verify", "nothing but ASCII")}  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = answers.base(tmp_path_factory.mktemp("base"))
    (made / "study.toml").write_text(STUDY)
    return made


def ended(place: Path, words: list[str], way: str) -> tuple[int, bytes]:
    """(exit status, all that was written) of the command in a shell."""
    shell = ["sh", "-c", f'{{ "$@"; echo $? > status; }} {WAYS[way]}', "sh", sys.executable, "-m", "harness", *words]
    done = subprocess.run(shell, cwd=place, env=answers.environment({"LC_ALL": "C"}), timeout=300,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
    return int((place / "status").read_text()), done.stdout


def case(command: str, way: str) -> object:
    marks = [pytest.mark.long if (command, way) in OFTEN else pytest.mark.slow]
    return pytest.param(command, way, marks=[*marks, pytest.mark.training] if command in ("plan", "probe") else marks)


@pytest.mark.parametrize(("command", "way"), [case(command, way) for command in COMMANDS for way in WAYS])
def test_no_command_minds_who_reads_it(command: str, way: str, place: Path) -> None:
    rows = (place / "results" / "driven" / "trials.jsonl").read_bytes()
    status, written = ended(place, [command, *COMMANDS[command]], way)
    assert status in ((0, 1) if "|" in WAYS[way] else (0,)), written
    assert written.isascii()
    for word in (b"Traceback", b"Exception", b"Errno", b"lost sys.stderr"):
        assert word not in written
    assert (place / "results" / "driven" / "trials.jsonl").read_bytes() == rows
