"""The batch script for Slurm: what it says, that a shell reads it, and what is refused before anything is written."""

import re
import shlex
import subprocess
from argparse import ArgumentTypeError, Namespace
from pathlib import Path

import pytest

from harness import cli
from harness.commands import slurm
from harness.commands.options import parser
from harness.commands.slurm_options import seconds
from harness.run.admission import Shares

STUDY = """
name = "{name}"
space = "shortcut-vgg11"
task = "harness.training.formula:stand_in"
data = {{ name = "digits", image_size = 32 }}
space_options = {{ width = 0.125 }}
method = [{{ name = "baseline" }}]
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NAS_HARNESS_DATA", raising=False)
    (tmp_path / "study.toml").write_text(STUDY.format(name="small"))
    return tmp_path


def status(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(["slurm", *words])
    return int(ended.value.code or 0)


def executed(script: str) -> list[str]:
    """The words that the job's shell gives to python."""
    function = re.search(r"^study\(\) \{\n(.*?)^\}", script, re.MULTILINE | re.DOTALL)
    assert function
    line = function[1].replace('exec "$bin/python"', "printf '%s\\0'")
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True).stdout.split("\0")[:-1]


def checked(path: Path) -> str:
    """The script, which a shell can read."""
    subprocess.run(["bash", "-n", str(path)], check=True)
    return path.read_text()


def test_the_script_of_a_small_study(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert status("study.toml", "--nodes", "2", "--gpus-per-node", "4", "--time", "8:00:00", "--partition", "gpu") == 0
    assert "small.sbatch: 2 nodes with 4 cores and 4 GPUs each, for 8:00:00 a start" in capsys.readouterr().out
    script = checked(here / "small.sbatch")
    directives = re.findall(r"^#SBATCH --(.*)$", script, re.MULTILINE)
    assert {"nodes=2", "gpus-per-node=4", "cpus-per-task=4", "time=0-08:00:00", "partition=gpu", "requeue",
            "open-mode=append", "signal=B:USR1@120", "output=nas-small-%j.log"} <= set(directives)  # fmt: skip
    assert executed(script) == ["-m", "harness", "run", "study.toml", "--device=cuda", "--address", ""]
    assert f"cd {here}" in script
    assert not re.search(r"@[A-Z]+@", script)


def test_a_space_that_fails_is_one_line(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = "from spaces.shortcuts.space import ShortcutSpace\n\nclass Torn(ShortcutSpace):\n    build = lambda self: 1\n"
    (here / "slurm_torn.py").write_text(own)
    (here / "study.toml").write_text(STUDY.format(name="torn").replace("shortcut-vgg11", "slurm_torn:Torn")
                                     .replace("width = 0.125", "vgg = 'vgg11'"))  # fmt: skip
    assert status("study.toml", "--time", "1:00:00") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "slurm_torn:Torn fails before anything starts" in line


@pytest.mark.parametrize(
    ("given", "passed"),
    [
        (["--set", "recipe.epochs=3", "--set=seeds.search=2", "--change"],
         ["--set=recipe.epochs=3", "--set=seeds.search=2", "--change"]),
        (["--gpus-per-trial", "train=0.5", "--time-limit", "60"], ["--gpus-per-trial=train=0.5", "--time-limit=60.0"]),
        (["--results", "out $(touch odd)"], ["--results=out $(touch odd)"]),
        (["--results", "a\nb' \"c\" ;`id`", "--tensorboard"], ["--results=a\nb' \"c\" ;`id`", "--track=tensorboard"]),
    ],
)  # fmt: skip
def test_options_of_run_are_passed_on_as_they_are(given: list[str], passed: list[str], here: Path) -> None:
    assert status("study.toml", "--gpus-per-node", "1", "--time", "2:00:00", *given) == 0
    words = executed(checked(here / "small.sbatch"))
    assert sorted(words[4:-3]) == sorted(passed)
    again, direct = (parser().parse_args(["run", "study.toml", *line]) for line in (words[4:-3], given))
    assert vars(again) == vars(direct)


def test_a_folder_with_an_odd_name_is_entered(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = here / "a b\n$(touch odd); 'c"
    odd.mkdir()
    monkeypatch.chdir(odd)
    assert status(str(here / "study.toml"), "--time", "60", "--setup", "module load cuda") == 0
    script = checked(odd / "small.sbatch")
    start = script[script.index("\ncd ") : script.index("module load cuda")]
    done = subprocess.run(["bash", "-c", start + "\npwd"], capture_output=True, text=True, check=True, cwd="/")
    assert done.stdout == f"{odd}\n"
    assert not (odd / "odd").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--time", "8 hours"], "is no time of Slurm's"),
        (["--time", "1:00"], "60 seconds: at least 2 minutes"),
        (["--time", "2:30"], "leaves less than a minute"),
        (["--time", "1:00:00", "--nodes", "0"], "no whole number"),
        (["--time", "1:00:00", "--partition", "a\n#SBATCH --uid=0"], "characters"),
        (["--time", "1:00:00", "--sbatch", "account=a b"], "characters"),
        (["--time", "1:00:00", "--sbatch", "--account=a"], "expected one argument"),
        (["--time", "1:00:00", "--sbatch=requeue"], "sets requeue itself"),
        (["--time", "1:00:00", "--setup", "a\nb"], "no line of a shell script"),
        (["--time", "1:00:00", "--executor", "in-process"], "--executor: the job starts a Ray of its own"),
        (["--time", "1:00:00", "--device", "cuda:1"], "--device cuda:1"),
        (["--time", "1:00:00", "--device", "cuda"], "asks for 1 cores and 1 GPUs, a node has 1 and 0"),
        (["--time", "1:00:00", "--set", "recipe.epochs=0"], "recipe.epochs"),
        (["--time", "1:00:00", "--submit"], "there is no sbatch here"),
    ],
)
def test_bad_input_is_refused_in_a_line(words: list[str], said: str, here: Path, monkeypatch: pytest.MonkeyPatch,
                                        capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    monkeypatch.setenv("PATH", str(here))
    assert status("study.toml", *words) == 2
    assert said in capsys.readouterr().err.splitlines()[-1]
    assert not list(here.glob("*.sbatch"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--until", "decided"], "the study has no looks"),
        (["--max-seeds", "5"], "--max-seeds goes with --until decided"),
        (["--checkpoints", "s3://b/x", "--disk-limit", "5"], "--disk-limit goes with checkpoints in the results"),
        (["--checkpoints", "s3://b/x", "--time-limit", "5"], "--time-limit needs a folder"),
        (["--checkpoints", "s3://b/x", "--set", "keep_weights=best", "--set", "task=images"],
         "keep_weights needs a results folder"),
        (["--checkpoints", "http://x/y"], "its scheme must be one of"),
        (["--checkpoints", "s3://me:SECRET@b/x"], "AWS_SECRET_ACCESS_KEY"),
        (["--checkpoints", "s3://b/x?secret_key=SECRET"], "AWS_SECRET_ACCESS_KEY"),
        (["--path", "nonsense"], "--path 'nonsense' is unknown"),
        (["--track", "foo:SECRET"], "--track foo… is no tracker"),
        (["--track", "mlflow:https://me:SECRET@lab.example/x"], "MLFLOW_TRACKING_PASSWORD"),
        (["--track", "mlflow:https://lab.example/x?token=SECRET"], "MLFLOW_TRACKING_PASSWORD"),
    ],
)  # fmt: skip
def test_what_the_jobs_run_would_refuse_is_refused_and_no_secret_is_written(
    words: list[str], said: str, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("harness.trackers.targets._installed", lambda _: True)
    assert status("study.toml", "--time", "1:00:00", *words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert "SECRET" not in line.replace("AWS_SECRET", "")
    assert {path.name for path in here.iterdir()} == {"study.toml"}


@pytest.mark.long
def test_a_script_goes_on_with_a_study_that_was_looked_at(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "study.toml").write_text(f"{STUDY.format(name='looked')}looks = [2, 3]\nseeds = {{ search = 1 }}\n")
    with pytest.raises(SystemExit):
        cli.main(["run", "study.toml", "--executor", "in-process", "--until", "decided"])
    capsys.readouterr()
    assert status("study.toml", "--time", "1:00:00", "--until", "decided") == 0
    assert capsys.readouterr().err == ""
    assert "--until=decided" in executed(checked(here / "looked.sbatch"))
    assert status("study.toml", "--time", "1:00:00") == 2
    assert "leaves out" in capsys.readouterr().err
    assert status("study.toml", "--time", "1:00:00", "--until", "decided", "--max-seeds", "5") == 2
    assert "its looks were fixed as [2, 3]" in capsys.readouterr().err


def test_a_study_that_is_none_is_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "study.toml").write_text("name = 1")
    assert status("study.toml", "--time", "60") == 2
    assert "study.toml" in capsys.readouterr().err


def test_somebody_elses_file_is_not_written_over(here: Path) -> None:
    (here / "small.sbatch").write_text("#!/bin/bash\necho mine\n")
    assert status("study.toml", "--time", "60") == 2
    assert status("study.toml", "--time", "60", "--out", "other.sbatch") == 0
    assert status("study.toml", "--time", "90", "--out", "other.sbatch") == 0


def test_it_submits_what_it_wrote(here: Path, monkeypatch: pytest.MonkeyPatch,
                                  capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    (here / "sbatch").write_text('#!/bin/sh\necho "Submitted $(basename "$1")"\n')
    (here / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", f"{here}:/usr/bin:/bin")
    assert status("study.toml", "--time", "60", "--submit") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "Submitted small.sbatch"
    (here / "sbatch").write_text("#!/bin/sh\necho 'error: invalid account' >&2\nexit 1\n")
    assert status("study.toml", "--time", "60", "--submit") == 2
    assert "sbatch small.sbatch: error: invalid account" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "value"),
    [("90", 5400), ("8:00:00", 28_800), ("90:30", 5430), ("2-12", 216_000), ("1-0:30", 88_200), ("1-01:02:03", 90_123)],
)
def test_times_mean_what_slurm_takes_them_for(text: str, value: int) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "-1", "1-", "1:2:3:4", "a", "1.5", "٣٠", " 90", "9" * 30])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError):
        seconds(text)


@pytest.mark.parametrize(
    ("shares", "node", "needed"),
    [(Shares({}, {}), 4, 4), (Shares({}, {"": 0.25}), 4, 16), (Shares({"": 2.0}, {"train": 0.5}), 1, 4),
     (Shares({"": 0.5}, {"": 0.5}), 3, 3), (Shares({}, {"": 2.0}), 4, 2), (Shares({}, {"": 0.4}), 4, 8),
     (Shares({}, {"": 0.6}), 4, 4), (Shares({}, {"": 1 / 3}), 4, 12), (Shares({}, {"": 3.0}), 4, 1),
     (Shares({}, {}, {"": 4}), 4, 4), (Shares({}, {"": 0.2}, {"": 2}), 4, 8), (Shares({}, {}, {"": 7}), 64, 64)],
)  # fmt: skip
def test_a_node_has_the_cores_of_the_trials_that_fit_on_its_gpus(shares: Shares, node: int, needed: int) -> None:
    assert slurm.cores(shares, "cuda", node) == needed


def test_a_studys_name_is_a_plain_name_in_slurm() -> None:
    assert slurm.plain("a b\n;$(id)é") == "a-b----id--"
    options = Namespace(nodes=1, gpus_per_node=0, cpus_per_node=1, time=172_800, warning=60, partition=None, sbatch=[])
    assert slurm.directives(options, slurm.plain("x;y"))[0] == "job-name=nas-x-y"
    assert shlex.quote(slurm.plain("a'b")) == "a-b"
