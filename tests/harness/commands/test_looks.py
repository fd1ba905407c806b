"""Adding seeds until decided: looks are fixed, only open methods get more, and there is an end."""

import json
import signal
import sys

import pytest

from harness import cli
from harness.cli import main
from harness.commands.looks import planned_looks, run_looks
from harness.errors import BadInput
from harness.run.driver import Driver
from harness.seeding import stream
from harness.storage.rows import read_rows


def test_looks_end_at_the_maximum():
    assert planned_looks((3, 5, 10), None) == (3, 5, 10)
    assert planned_looks((3, 5, 10), 8) == (3, 5, 8)
    assert planned_looks((3, 5, 10), 20) == (3, 5, 10, 20)


@pytest.mark.parametrize(("looks", "most"), [((), None), ((5, 3), None), ((1, 3), None), ((3, 5), 2)])
def test_looks_that_cannot_be_are_refused(looks, most):
    with pytest.raises(BadInput):
        planned_looks(looks, most)


def test_only_open_methods_get_more_seeds():
    ran, answers = [], iter([["darts-A", "darts-A"], ["darts-A"], ["darts-A"]])
    missing = run_looks(["darts-A", "darts-B", "baseline"], (3, 5, 8), lambda s: ran.append(dict(s)) or 0,
                        lambda: (len(ran), next(answers)), str)  # fmt: skip
    assert missing == 0
    assert ran == [{"darts-A": n, "darts-B": 3, "baseline": 3} for n in (3, 5, 8)]


def test_it_stops_when_decided_or_when_trials_are_missing():
    ran = []
    run_looks(["a"], (3, 5), lambda s: ran.append(1) or 0, lambda: (1, []), str)
    assert len(ran) == 1
    assert run_looks(["a"], (3, 5), lambda s: 2, lambda: (0, ["a"]), str) == 2


@pytest.mark.long
def test_a_signal_in_the_last_epoch_before_a_look_ends_the_run(tmp_path, monkeypatch, capsys):
    (tmp_path / "study.toml").write_text(STUDY)
    line = ["run", str(tmp_path / "study.toml"), "--results", str(tmp_path), "--executor", "in-process", "--until",
            "decided", "--max-seeds", "3"]  # fmt: skip
    progress = Driver.progress

    def struck(driver, key, said):
        progress(driver, key, said)
        if driver.frontier.left == 1 and said.epoch == said.epochs:
            signal.raise_signal(signal.SIGUSR1)

    monkeypatch.setattr(Driver, "progress", struck)
    monkeypatch.setattr(cli, "_leave", sys.exit)  # not this process
    with pytest.raises(SystemExit) as end:
        main(line)
    assert end.value.code == 75
    assert {row["seed"] for row in read_rows(tmp_path / "looking")} == {0, 1}
    assert capsys.readouterr().err.endswith("ended by SIGUSR1; the same command again carries on\n")
    monkeypatch.undo()
    with pytest.raises(SystemExit) as end:
        main(line)
    assert end.value.code == 0
    assert {row["seed"] for row in read_rows(tmp_path / "looking")} == {0, 1, 2}


@pytest.mark.long
def test_a_trial_that_diverged_does_not_end_the_looks(tmp_path):
    """Its row is final: the same command would find it again for ever."""
    (tmp_path / "study.toml").write_text(STUDY)
    line = ["run", str(tmp_path / "study.toml"), "--results", str(tmp_path), "--executor", "in-process", "--until",
            "decided", "--max-seeds", "4"]  # fmt: skip
    with pytest.raises(SystemExit) as end:
        main(line)
    assert end.value.code == 0, "that some trials diverged is final"
    rows = read_rows(tmp_path / "looking")
    assert {row["seed"] for row in rows if row["status"] == "done"} == {0, 1, 2, 3}
    assert [row["seed"] for row in rows if row["status"] == "diverged"] == [0]
    with pytest.raises(SystemExit):
        main(line[:-4])
    assert json.loads((tmp_path / "looking" / "study.json").read_text())["sequential"], "it was looked at before"
    with pytest.raises(SystemExit) as end:
        main([*line[:-1], "8"])
    assert end.value.code == 2, "other looks than those that were fixed"


def one_diverges(settings, epoch):
    """Of the given architecture's trainings the first; the other numbers decide nothing."""
    bad = settings["seed"] == 0 and settings["architecture"].endswith("1-3")
    return {"value": float("nan") if bad else 50.0 + stream(0, settings["seed"], settings["architecture"]) % 7}


STUDY = f"""
name = "looking"
space = "shortcut-vgg11"
task = "{__name__}:one_diverges"
data = {{ name = "digits", image_size = 32 }}
recipe = {{ epochs = 1 }}
looks = [2, 4]
method = [{{ name = "one", architecture = "vgg11 1-3" }}, {{ name = "two", architecture = "vgg11 2-6", twins = 1 }}]
"""
