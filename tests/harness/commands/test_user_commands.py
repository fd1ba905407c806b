"""Command lines as people type them: names, files that are not there, options with values, folders that are none."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import rows_factory as factory

from analysis.findings.caveats import caveats
from analysis.findings.comparisons import compared
from analysis.results.rows import load
from analysis.results.table import lines
from harness.commands import sessions
from harness.commands.options import parser
from harness.errors import BadInput
from harness.run.prepare import prepare
from tests.commands import ended
from tests.driven import JOBS, STUDY, ran
from tests.studies import tiny

pytestmark = pytest.mark.long

Said = pytest.CaptureFixture[str]


@pytest.fixture
def done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place with a complete study in results/."""
    monkeypatch.chdir(tmp_path)
    ran(tmp_path / "results")
    (tmp_path / "my.toml").write_text(STUDY)
    return tmp_path


@pytest.mark.parametrize(
    ("study", "prepare_"),
    [
        ("my.toml", lambda place: None),
        ("other/my.toml", lambda place: ((place / "other").mkdir(), (place / "other" / "my.toml").write_text(STUDY))),
        ("study", lambda place: (place / "study").write_text(STUDY)),
        ("mark.toml", lambda place: (place / "mark.toml").write_bytes(STUDY.encode("utf-8-sig"))),
        ("~/my.toml", lambda place: None),
        ("driven", lambda place: None),
        ("results/driven", lambda place: None),
        ("driven.toml", lambda place: (place / "driven.toml").write_text(STUDY)),
    ],
)
def test_status_goes_by_the_study_s_name(done: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch, study: str,
                                         prepare_: Any) -> None:  # fmt: skip
    monkeypatch.setenv("HOME", str(done))
    prepare_(done)
    assert ended("status", study) == 0
    assert capsys.readouterr().out.startswith(f"driven: {JOBS} done of {JOBS}")


@pytest.mark.parametrize("content", ["", "name = ", "x = 1", "[[method]]\nname = 'a'", "name = [" * 9])
def test_status_of_a_file_without_a_name(done: Path, capsys: Said, content: str) -> None:
    (done / "my.toml").write_text(content)
    assert ended("status", "my.toml") == 2
    assert "is no study file with a name" in capsys.readouterr().err


def test_plan_says_what_is_left(done: Path, capsys: Said) -> None:
    assert ended("plan", "my.toml") == 0
    said = capsys.readouterr().out
    assert f"{JOBS} jobs into results/driven, 0 of {JOBS} left" in said
    assert "about 0:00:00," in said


VALUES: list[tuple[list[str], str, list[str]]] = [
    (["--cpus-per-trial", "1"], "cpus_per_trial", ["1"]),
    (["--cpus-per-trial", "search=2,train=1"], "cpus_per_trial", ["search=2,train=1"]),
    (["--cpus-per-trial", "search=2", "--cpus-per-trial", "1"], "cpus_per_trial", ["search=2", "1"]),
    (["--gpus-per-trial", "0.25"], "gpus_per_trial", ["0.25"]),
    (["--pack", "train=4"], "pack", ["train=4"]),
    (["--reuse", "results/one"], "reuse", ["results/one"]),
    (["--reuse=results/one", "--reuse", "results/two"], "reuse", ["results/one", "results/two"]),
]  # fmt: skip


@pytest.mark.parametrize("behind", [True, False])
@pytest.mark.parametrize(("words", "name", "values"), VALUES)
def test_an_option_takes_its_own_value_and_leaves_the_study(words: list[str], name: str, values: list[str],
                                                            behind: bool) -> None:  # fmt: skip
    found = parser().parse_args(["run", *(["my.toml", *words] if behind else [*words, "my.toml"])])
    assert (found.study, getattr(found, name)) == ("my.toml", values)


def test_shares_of_several_kinds() -> None:
    found = parser().parse_args(["run", "--cpus-per-trial", "search=2,1", "--gpus-per-trial", "1", "demo"])
    assert sessions.shares(found).of("search", "cpu") == (2, 1)
    assert sessions.shares(found).of("train", "cpu") == (1, 1)


@pytest.mark.parametrize(
    ("words", "file"),
    [
        (("decode", "theta.csv", "--space", "cell-study1"), "theta.csv"),
        (("decode", "./tables/theta", "--space", "cell-study1"), "./tables/theta"),
        (("decode", "genotypes.py:DARTS_V2", "--space", "cell-darts"), "genotypes.py:DARTS_V2"),
        (("decode", "vgg.txt", "--space", "shortcut-vgg19"), "vgg.txt"),
        (("decode", "/no/such/θ.csv", "--space", "cell-study1"), "/no/such/θ.csv"),
        (("plan", "studie.toml"), "studie.toml"),
        (("plan", "studies/mine"), "studies/mine"),
        (("status", "studie.toml"), "studie.toml"),
        (("plan", "my.toml", "--recipe", "best.toml"), "best.toml"),
        (("report", "results/driven", "--published", "numbers.csv"), "numbers.csv"),
    ],
)
def test_a_file_that_is_not_there_is_called_so(done: Path, capsys: Said, words: tuple[str, ...], file: str) -> None:
    assert ended(*words) == 2
    said = capsys.readouterr().err
    assert f"{file}" in said
    assert "o such file" in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("results", ["my.toml", "my.toml/below", "my.toml/far/below", "/dev/null", "/dev/null/below"])
@pytest.mark.parametrize("command", ["run", "status"])
def test_results_that_are_a_file_or_below_one(done: Path, capsys: Said, results: str, command: str) -> None:
    more = ("--executor", "in-process") if command == "run" else ()
    assert ended(command, "my.toml", "--results", results, *more) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert results.split("/below")[0].split("/far")[0] in said[0]


@pytest.mark.parametrize("words", [
    ("run", "my.toml", "--executor", "in-process", "--results=~/new"),
    ("run", "~/my.toml", "--executor", "in-process", "--results", "~/new"),
    ("run", "my.toml", "--executor", "in-process", "--results=~/new", "--reuse=~/results/driven"),
    ("report", "~/results/driven", "--out=~/new"),
    ("tune", "tuned.toml", "--results=~/new", "--executor", "in-process"),
])  # fmt: skip
def test_a_tilde_is_the_home(done: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    monkeypatch.setenv("HOME", str(done))
    (done / "tuned.toml").write_text(
        STUDY + '[[tuning]]\nname = "t"\ntrials = 2\nranges = { lr = { low = 1e-7, high = 1e-6 } }\n')  # fmt: skip
    (done / "away").mkdir()
    monkeypatch.chdir(done / "away")
    if words[1].endswith(".toml") and not words[1].startswith("~"):
        words = (words[0], f"../{words[1]}", *words[2:])
    assert ended(*words) == 0
    assert (done / "new").is_dir()
    assert not list((done / "away").iterdir())


@pytest.mark.parametrize("name", ["n" * 300, "n" * 101, "../up", "a/b", ".hidden", "", "ü" * 300])
def test_a_name_that_no_folder_can_have(done: Path, capsys: Said, name: str) -> None:
    before = sorted(done.rglob("*"))
    assert ended("run", "my.toml", "--executor", "in-process", "--set", f'name="{name}"') == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert sorted(done.rglob("*")) == before


@pytest.mark.training
@pytest.mark.parametrize("place", ["study", "recipe", "theta", "genotype", "published"])
def test_a_byte_order_mark_is_no_content(done: Path, place: str) -> None:
    theta = "source,target,conv_3x3\n0,1,1\n"
    texts = {"study": STUDY, "recipe": "[recipe]\nlr = 0.01\n", "theta": theta,
             "genotype": "cells inputs=1 concat=1 normal=0>1:conv_3x3",
             "published": "method,search_epochs,test_accuracy_mean\nA,2,90\n"}  # fmt: skip
    (done / "marked").write_bytes(texts[place].encode("utf-8-sig"))
    cell = ("--space", "cell-study1", *(word for option in ("nodes=1", "concat=1", 'operations=["conv_3x3"]')
                                        for word in ("--option", option)))  # fmt: skip
    words = {"study": ("plan", "marked"), "recipe": ("plan", "my.toml", "--recipe", "marked"),
             "theta": ("decode", "marked", *cell), "genotype": ("decode", "marked", *cell),
             "published": ("report", "results/driven", "--published", "marked")}  # fmt: skip
    assert ended(*words[place]) == 0


@pytest.mark.parametrize("words", [
    ("status", "driven"), ("report", "results/driven"), ("decode", "vgg11 1-3", "--space", "shortcut-vgg11"),
    ("check", "shortcut-vgg11", "--option", "width=0.0625"), ("--help",),
])  # fmt: skip
def test_a_reader_that_goes_away_is_no_error(done: Path, words: tuple[str, ...]) -> None:
    """As `| head -0` does."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[3]),
                                                                os.environ.get("PYTHONPATH", "")])}  # fmt: skip
    process = subprocess.Popen([sys.executable, "-m", "harness", *words], stdout=subprocess.PIPE, cwd=done,
                               stderr=subprocess.PIPE, env=environment, text=True)  # fmt: skip
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    process.wait(120)
    assert "Traceback" not in said
    assert "BrokenPipe" not in said


BASELINES: list[dict[str, Any]] = [
    {"method": [{"name": "baseline", "twins": 1}]},
    {"method": [{"name": "baseline", "twins": 3}, {"name": "darts-A", "rule": "A"}]},
    {"method": [{"name": "plain", "strategy": "baseline", "twins": 1}]},
    {"method": [{"name": "baseline", "twins": 1}], "seeds": {"search": 1, "train": 8}},
    {"method": [{"name": "plain", "twins": 1}], "search": {"strategy": "baseline"}},
    {"method": [{"name": "baseline", "twins": 1, "recipe": {"epochs": 1}}]},
]


@pytest.mark.parametrize("changes", BASELINES)
def test_a_baseline_has_no_twins(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="it is the space's own network, so that its twins would be ignored"):
        prepare(tiny(**changes), tmp_path, None, False, "cpu")


@pytest.mark.parametrize("train", [1, 2, 3, 5, 8])
def test_trainings_of_one_search_seed_are_one_value_and_the_caveat_says_so(tmp_path: Path, train: int) -> None:
    study = factory.study(seeds=1, train=train)
    results = load(factory.write(tmp_path / "made-up", study, factory.rows(study)))
    table = lines(results)
    said = " ".join(caveats(results, table, compared(results, table)))
    assert "One seed shows no spread at all." in said
    assert (f"seeds.search = {train} in place of seeds.train gives {train} values" in said) is (train > 1)


def test_options_hold_no_list_that_swallows_a_study() -> None:
    """Of any command with a study: an option takes one value."""
    commands = next(action.choices for action in parser()._actions if action.dest == "command")
    greedy = [(name, action.option_strings) for name, command in commands.items() for action in command._actions
              if action.option_strings and action.nargs not in (None, 0)]  # fmt: skip
    assert not greedy
