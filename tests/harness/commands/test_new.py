"""A first study of one's own, the studies of the package, and answers for programs and shells."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from harness.commands import report_pages
from harness.commands.options import parser
from harness.study.load import load_study, packaged
from tests.commands import ended
from tests.driven import JOBS, STUDY, ran

Said = pytest.CaptureFixture[str]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Two classes of grey images in one part, of different sizes."""
    for label, name in enumerate(("dark", "bright")):
        (tmp_path / "shades" / name).mkdir(parents=True)
        for number in range(10):
            pixels = np.full((20, 20 + number), 200 * label + number, np.uint8)
            Image.fromarray(pixels).save(tmp_path / "shades" / name / f"{number}.png")
    return tmp_path


def test_new_writes_a_study_for_images_of_one_s_own(images: Path, capsys: Said) -> None:
    path = images / "shades.toml"
    line = ["new", path, "--data", "folder:shades", "--data-root", images]
    for more, why in ((), "data.test_part"), (("--test-part", "0.2"), "data.image_size"):
        assert ended(*line, *more) == 2
        assert why in capsys.readouterr().err
        assert not path.exists()
    assert ended(*line, "--test-part", "0.2", "--image-size", "32") == 0
    said = capsys.readouterr().out
    assert "16 training and 4 test images of 32×32 pixels in 2 classes; 18 jobs" in said
    assert f"nas-harness run {path} --data-root {images}" in said
    study = load_study(str(path))
    assert (study.name, study.data_sets[0].name, study.space_options) == ("shades", "folder:shades", {"width": 0.125})
    assert [(method.name, method.twins.count) for method in study.method] == [
        ("darts-A", 1), ("darts-B", 1), ("baseline", 0)]  # fmt: skip
    comments = [line for line in path.read_text().splitlines() if line and not line.startswith("[[")]
    assert sum("#" in line for line in comments) > len(comments) / 2
    assert ended(*line) == 2, "it is there now"


@pytest.mark.parametrize(
    ("more", "options", "last"),
    [
        (("--space", "cell-study1"), {"channels": 8, "train_channels": 8}, "random"),
        (("--space", "nasbench201", "--option", "cells=1"), {"cells": 1}, "random"),
        (("--space", "shortcut-vgg13", "--option", "width=0.25", "--image-size", "32"), {"width": 0.25}, "baseline"),
    ],
)
def test_new_fits_the_space(tmp_path: Path, more: tuple[str, ...], options: dict[str, Any], last: str) -> None:
    assert ended("new", tmp_path / "mine.toml", "--data", "digits", *more) == 0
    study = load_study(str(tmp_path / "mine.toml"))
    assert (study.space_options, study.method[-1].name) == (options, last)


@pytest.mark.parametrize("name", ["🐶", 'it\'s "so"', "back\\slash", "\x7f", "tab\tand\x01"])
def test_new_writes_any_name_that_a_folder_can_have(images: Path, name: str) -> None:
    (images / "shades").rename(images / name)
    line = ["--data", f"folder:{name}", "--data-root", images, "--test-part", "0.2", "--image-size", "32"]
    assert ended("new", images / "mine.toml", *line) == 0
    assert load_study(str(images / "mine.toml")).data_sets[0].name == f"folder:{name}"


@pytest.mark.long
def test_new_on_a_full_disk_leaves_nothing_that_the_next_would_refuse(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "harness", "new", str(tmp_path / "mine.toml"), "--data", "digits",
            "--image-size", "32"]  # fmt: skip
    full = subprocess.run(["prlimit", "--fsize=500", *line], capture_output=True, text=True, check=False)
    assert (full.returncode, list(tmp_path.iterdir())) == (1, []), full.stderr
    assert full.stderr == f"nas-harness: {tmp_path / 'mine.toml'}: no space left on the disk\n"
    assert subprocess.run(line, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (("a b.toml", "--data", "digits"), "too small"),
        (("é.toml", "--data", "digits"), "is no name"),
        (("no/where.toml", "--data", "digits"), "is no folder"),
        (("x.toml", "--data", "nothing"), "'nothing' is unknown"),
        (("x.toml", "--data", 'a"\nb'), "is unknown"),
        (("x.toml", "--data", "digits", "--space", "nothing"), "space 'nothing' is unknown"),
        (("x.toml", "--data", "digits", "--option", "width"), "--option width"),
        (("x.toml", "--data", "digits", "--test-part", "nan"), "data.test_part = nan is no finite number"),
        (("x.toml", "--data", "digits", "--image-size", "-3"), "data.image_size takes numbers above 0"),
        (("x\udcff.toml", "--data", "digits"), "name: 'x\\udcff' holds bytes that are no UTF-8"),
    ],
)
def test_new_writes_nothing_that_would_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said,
                                               line: tuple[str, ...], says: str) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert ended("new", *line) == 2
    assert says in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_studies_lists_the_package_s_and_shows_one(capsys: Said) -> None:
    assert ended("studies") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == packaged()
    assert all(len(line.split()) > 5 for line in lines)
    assert ended("studies", "demo") == 0
    assert tomllib.loads(capsys.readouterr().out)["name"] == "demo"
    assert ended("studies", "nothing") == 2


def test_the_version_is_the_package_s(capsys: Said) -> None:
    from importlib.metadata import version

    assert ended("--version") == 0
    assert capsys.readouterr().out == f"nas-harness {version('nas-harness')}\n"


def answered(capsys: Said, *line: object, status: int = 0) -> Any:
    assert ended(*line, "--json") == status
    return json.loads(capsys.readouterr().out)


@pytest.mark.training
def test_plan_status_and_verify_answer_programs(tmp_path: Path, capsys: Said, monkeypatch: Any) -> None:
    ran(tmp_path)
    capsys.readouterr()
    study, folder = tmp_path / "study.toml", tmp_path / "driven"
    found = answered(capsys, "plan", study, "--results", tmp_path, "--device", "cpu", "--set", "seeds.search=2")
    assert (found["jobs"], found["left"]) == (2 * JOBS, JOBS)
    assert [(kind["kind"], kind["jobs"], kind["left"]) for kind in found["kinds"]] == [
        ("search", 2, 1), ("train", 10, 5)]  # fmt: skip
    assert found["work_seconds"] >= found["longest_chain_seconds"] > 0
    found = answered(capsys, "status", folder)
    assert (found["states"], found["planned"], found["running"], found["held"]) == ({"done": JOBS}, JOBS, [], False)
    monkeypatch.setattr(report_pages, "differences", lambda _: [])  # with no report there
    one = {"folder": str(folder), "problems": [], "seed": None, "trained_again": []}
    assert answered(capsys, "verify", folder) == {"folders": [one]}
    (folder / "trials.jsonl").write_text(
        (folder / "trials.jsonl").read_text().replace('"kind": "train"', '"kind": "x"')
    )
    assert len(answered(capsys, "verify", folder, status=1)["folders"][0]["problems"]) >= JOBS - 1


def test_a_failed_trial_is_in_the_answer_with_what_waits_for_it(tmp_path: Path, capsys: Said) -> None:
    from tests.driven import strikes

    ran(tmp_path, strikes("search", "failed"), study=STUDY)
    (trouble,) = answered(capsys, "status", tmp_path / "driven")["trouble"]
    assert (trouble["kind"], trouble["status"], trouble["error"], trouble["waiting"]) == (
        "search",
        "failed",
        "struck",
        4,
    )


COMPLETE = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
$(complete -p nas-harness | sed 's/.*-F \\([^ ]*\\) .*/\\1/') nas-harness
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the real command prints for bash."""
    path = tmp_path_factory.mktemp("completion") / "nas-harness.bash"
    line = [sys.executable, "-m", "harness", "completion", "bash"]
    path.write_text(subprocess.run(line, capture_output=True, text=True, check=True).stdout)
    return path


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash here")
@pytest.mark.long
@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        (("ver",), ["verify"]),
        (("run", "dem"), ["demo"]),
        (("run", "my-s"), ["my-study.toml"]),
        (("run", "demo", "--execu"), ["--executor"]),
        (("run", "demo", "--executor", "in"), ["in-process"]),
        (("run", "demo", "--recipe", "my"), ["my-study.toml"]),
        (("report", "resu"), ["results"]),
        (("studies", "darts"), ["darts-cifar10"]),
        (("completion", ""), ["bash", "tcsh", "zsh"]),
    ],
    ids=" ".join,
)
def test_bash_completes(script: Path, tmp_path: Path, typed: tuple[str, ...], completed: list[str]) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "my-study.toml").write_text("")
    line = ["bash", "-c", COMPLETE, "bash", str(script), "nas-harness", *typed]
    done = subprocess.run(
        line, capture_output=True, text=True, cwd=tmp_path, env={"PATH": os.environ["PATH"]}, timeout=60
    )
    assert sorted(done.stdout.split()) == completed, done.stderr


def test_every_command_has_an_example() -> None:
    commands = next(action.choices for action in parser()._actions if action.dest == "command")
    assert isinstance(commands, dict)
    for name, command in commands.items():
        assert command.epilog.startswith("example: "), name
