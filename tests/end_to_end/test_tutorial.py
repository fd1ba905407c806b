"""The tutorial as a newcomer follows it: its script and its commands, as they stand there, in an empty folder."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text()
LINES = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
SCRIPT = re.search(r"Save it as `([\w.]+)`:\n\n```py\n(.*?)```", PAGE, re.DOTALL)


def runnable(place: Path) -> dict[str, str]:
    """An environment in which `python` and `nas-harness` are what an installation gives."""
    for name, what in (("python", ""), ("nas-harness", "-P -m harness ")):
        path = place / name
        path.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {what}"$@"\n')
        path.chmod(0o755)
    return {**os.environ, "PATH": f"{place}{os.pathsep}{os.environ['PATH']}"}


def served(line: str, folder: Path, environment: dict[str, str]) -> str:
    """The page that a server gives, until Ctrl-C ends it."""
    words = shlex.split(line)
    with subprocess.Popen(words, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        with urllib.request.urlopen(process.stdout.readline().split()[0], timeout=60) as answer:
            text = str(answer.read().decode())
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
    return text


def test_the_tutorial_has_a_script_and_its_commands() -> None:
    assert SCRIPT
    assert [line.split()[1] for line in LINES] == [
        SCRIPT[1], "new", "plan", "run", "serve", "report", "verify", "status"]  # fmt: skip


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.training
@pytest.mark.timeout(1800)
def test_the_tutorial_s_commands_give_what_it_says(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    assert SCRIPT
    environment = runnable(tmp_path_factory.mktemp("bin"))
    (tmp_path / SCRIPT[1]).write_text(SCRIPT[2])
    said = {}
    for line in LINES:
        name = line.split()[1]
        if name == "serve":
            said[name] = served(line, tmp_path, environment)
            continue
        done = subprocess.run(
            line, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=1500
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        said[name] = done.stdout
    assert "240 training and 60 test images of 32×32 pixels in 3 classes; 18 jobs" in said["new"]
    assert "18 of 18 left" in said["plan"]
    assert all(name in said["run"] for name in ("darts-A", "darts-B", "baseline", "index.html"))
    assert "18 of 18 trials" in said["serve"]
    assert "tables, keys and architectures hold" in said["verify"]
    assert json.loads(said["status"])["states"] == {"done": 18}
    tables = (tmp_path / "results" / "shapes" / "report" / "table.md").read_text()
    table = tables.partition("### Comparison\n")[2].partition("###")[0]
    means = re.findall(r"^\| (?:darts-A|baseline) +\| \S+ +\| (\d+\.\d\d) ±", table, re.MULTILINE)
    assert len(means) == 2
    assert min(map(float, means)) > 45, "of three classes more than guessing"
