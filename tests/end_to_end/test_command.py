"""The real command, end to end: both executors, resuming, and every bad input."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from analysis.report import data_files
from harness.cli import main
from harness.commands.context import portable
from tests import started
from tests.studies import TINY, as_toml

PATH = ("--path", "eager contiguous")  # measured, it may be another one in each run where the machine is busy
TIMES = ("seconds", "device_seconds", "started", "finished", "peak_memory_bytes", "host", "protocol")


def command(*arguments, **more):
    return [sys.executable, "-m", "harness", *map(str, arguments)]


def harness(*arguments, code=0, env=None):
    return checked(started.harness(*arguments, env=env), code)


def fresh(*arguments):
    """By an interpreter of its own."""
    return checked(subprocess.run(command(*arguments), capture_output=True, text=True, timeout=400), 0)


def checked(done, code):
    assert done.returncode == code, f"{done.returncode}: {done.stdout}\n{done.stderr}"
    return done


def rows(folder, keep_times=False):
    found = {}
    for line in (folder / "trials.jsonl").read_text().splitlines():
        row = json.loads(line)
        assert row["key"] not in found, "a trial ran twice"
        if not keep_times:
            row = {k: v for k, v in row.items() if k not in TIMES}
            row["curve"] = [{k: v for k, v in point.items() if k != "seconds"} for point in row["curve"]]
        found[row["key"]] = row
    return found


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    path = tmp_path_factory.mktemp("study") / "tiny.toml"
    path.write_text(as_toml(TINY))
    return path


@pytest.fixture(scope="module")
def in_process(study):
    results = study.parent / "in-process"
    out = fresh("run", study, "--executor", "in-process", "--results", results, *PATH)
    return results / "tiny", out


@pytest.fixture(scope="module")
def on_ray(study):
    results = study.parent / "ray"
    return results / "tiny", fresh("run", study, "--results", results, *PATH)


@pytest.mark.ray
@pytest.mark.training
@pytest.mark.parametrize("executor", ["in-process", pytest.param("ray", marks=pytest.mark.slow)])
def test_trials_that_take_turns_in_one_process_give_the_same_rows(study, in_process, tmp_path, executor):
    out = harness("run", study, "--results", tmp_path, "--executor", executor, "--pack", "train=3", *PATH).stderr
    assert rows(tmp_path / "tiny") == rows(in_process[0])
    assert out.count("done     train") == sum(row["kind"] == "train" for row in rows(tmp_path / "tiny").values())


@pytest.mark.training
def test_the_table_and_the_report_come_out(in_process):
    folder, out = in_process
    assert "darts-A" in out.stdout
    assert "baseline" in out.stdout
    assert str(folder / "report" / "index.html") in out.stdout
    for name in ("index.html", "table.md", "table.csv", "table.tex", "table.txt", *data_files.NAMES):
        assert (folder / "report" / name).stat().st_size
    found = rows(folder)
    assert len(found) == 2 * (1 + 2 * 2 * 2 + 1)
    assert all(row["status"] == "done" for row in found.values())
    assert all(row["val_accuracy"] is None and row["test_accuracy"] is not None
               for row in found.values() if row["kind"] == "train")  # fmt: skip


@pytest.mark.training
def test_twins_have_their_networks_count(in_process):
    found = rows(in_process[0])
    for row in found.values():
        if row["role"] == "twin":
            assert row["shortcuts"] == found[row["pair"]]["shortcuts"]


@pytest.mark.ray
@pytest.mark.training
def test_both_executors_give_equal_rows(in_process, on_ray):
    assert rows(in_process[0]) == rows(on_ray[0])


@pytest.mark.ray
@pytest.mark.training
def test_the_same_command_again_runs_nothing(study, on_ray, tmp_path):
    folder, _ = on_ray
    before = (folder / "trials.jsonl").read_bytes()
    said = harness("run", study, "--results", folder.parent, env={**os.environ, "RAY_TMPDIR": str(tmp_path)}).stderr
    assert (folder / "trials.jsonl").read_bytes() == before
    assert "trials, " not in said
    assert not list(tmp_path.iterdir()), "where Ray would put its files, had it started"


@pytest.mark.ray
@pytest.mark.training
def test_status_of_a_finished_study(on_ray):
    said = harness("status", on_ray[0]).stdout
    assert "20 done of 20" in said
    assert "device-seconds spent" in said


@pytest.mark.ray
@pytest.mark.training
def test_interrupted_and_started_again(study, in_process, tmp_path):
    """Ctrl-C in the middle, on Ray; the same command then ends with the same rows, none of them run twice."""
    line = command(
        "run", study, "--results", tmp_path, "--cpus", 1, *PATH
    )  # one trial at a time: many are left by then
    process = subprocess.Popen(line, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
                               start_new_session=True)  # fmt: skip
    for line in process.stderr:
        if line.startswith("done"):
            break
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode not in (0, None)
    partial = rows(tmp_path / "tiny")
    assert 0 < len(partial) < 20
    harness("run", study, "--results", tmp_path, *PATH)
    assert rows(tmp_path / "tiny") == rows(in_process[0])


@pytest.mark.training
def test_a_new_method_adds_its_jobs_only(study, in_process, tmp_path):
    import shutil

    folder = tmp_path / "tiny"
    shutil.copytree(in_process[0], folder)
    more = tmp_path / "more.toml"
    more.write_text(as_toml({**TINY, "method": [*TINY["method"], {"name": "rnd", "strategy": "random", "rule": "B"}]}))
    before = rows(folder)
    harness("run", more, "--executor", "in-process", "--results", tmp_path)
    after = rows(folder)
    assert {key: after[key] for key in before} == before
    assert {row["method"] for key, row in after.items() if key not in before} == {"rnd"}


@pytest.mark.training
def test_plan_starts_nothing(study, tmp_path):
    said = harness("plan", study, "--results", tmp_path).stdout
    assert "20 jobs" in said
    assert "MACs" in said
    assert re.search(r"about \d:\d\d:\d\d, \d+ trials at once", said)
    assert not list(tmp_path.iterdir())


@pytest.mark.long
@pytest.mark.ray
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--set", "sede=3"], "unknown key 'sede'"),
        (["--set", "seeds.search=0"], "seeds.search"),
        (["--set", "search.snapshots=[9]"], "snapshots: 9"),
        (["--set", "method.darts-A.rule=C"], "rule 'C' is unknown"),
        (["--set", "method.darts-A.strategy=magic"], "'magic' is unknown"),
        (["--set", "search.gate=hard"], "search.gate"),
        (["--set", "space=shortcut-vgg12"], "'shortcut-vgg12' is unknown"),
        (["--set", "space_options.width=-1"], "width"),
        (["--set", "space_options.depth=3"], "depth"),
        (["--set", "data.name=cifar10", "--data-root", "/nowhere"], "--download"),
        (["--device", "cuda:7"], "--device cuda:7"),
        (["--device", "toaster"], "--device toaster"),
        (["--cpus-per-trial", "many"], "--cpus-per-trial many"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_line_and_nothing_is_written(study, tmp_path, arguments, says):
    done = harness("run", study, "--results", tmp_path / "results", *arguments, code=2)
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "results").exists()


@pytest.mark.long
def test_a_file_that_is_no_toml(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text("name = [")
    done = harness("run", path, code=2)
    assert "is not TOML" in done.stderr


@pytest.mark.ray
@pytest.mark.training
def test_a_folder_of_another_study_is_refused(study, in_process, tmp_path):
    import shutil

    shutil.copytree(in_process[0], tmp_path / "other")
    before = {p: p.read_bytes() for p in (tmp_path / "other").rglob("*") if p.is_file()}
    done = harness("run", study, "--results", tmp_path, "--set", "name=other", code=2)
    assert "belongs to the study 'tiny'" in done.stderr
    assert {p: p.read_bytes() for p in (tmp_path / "other").rglob("*") if p.is_file()} == before


@pytest.mark.training
def test_a_diverged_trial_is_a_row_and_the_study_goes_on(study, tmp_path):
    done = harness("run", study, "--executor", "in-process", "--results", tmp_path, "--set", "recipe.lr=1e30",
                   "--set", "seeds.search=1", "--set", "recipe.epochs=1")  # fmt: skip
    found = rows(tmp_path / "tiny").values()
    assert {row["status"] for row in found if row["kind"] == "search"} == {"diverged"}
    assert all(row["test_accuracy"] is None and row["error"] for row in found if row["status"] != "done")
    count = sum(row["status"] == "diverged" for row in found)
    assert f"{count} trials diverged, which is final" in done.stderr
    assert "missing or failed" not in done.stderr


HELP = """
from harness.cli import main
try:
    main(["--help"])
except SystemExit as end:
    assert end.code == 0
"""


def test_help_is_quick_and_every_command_has_an_example_or_a_line():
    code = "{}import sys; print(*sys.modules)"
    bare, helps = (subprocess.run([sys.executable, "-c", code.format(before)], capture_output=True, text=True,
                                  check=True).stdout for before in ("", HELP))  # fmt: skip
    *_, modules = helps.splitlines()
    loaded = {name.split(".")[0] for name in {*modules.split()} - {*bare.split()}}
    assert "argparse" in loaded
    assert loaded <= {*sys.stdlib_module_names, "harness"}, "all else takes time to load"
    said = harness("--help").stdout
    for name in ("run", "plan", "status", "report"):
        assert name in said
        assert "usage: nas-harness" in harness(name, "--help").stdout


@pytest.mark.long
@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--device", "cuda:1"), "Ray hands out the GPUs; write --device cuda, and set CUDA_VISIBLE_DEVICES=1"),
        (("--executor", "in-process", "--cpus", "2"), "--executor in-process runs one trial after another without Ray"),
    ],
)
def test_options_that_do_not_go_together_are_refused(study, tmp_path, more, says):
    assert says in harness("run", study, "--results", tmp_path, *more, code=2).stderr
    assert not list(tmp_path.iterdir())


def test_the_command_that_is_stored_names_no_place_of_this_machine():
    line = [
        *("run", "demo", "--results", "/a/b", "--data-root=/c"),
        *("--reuse", "/d/one", "--reuse", "/d/two", "--cpus", "2"),
    ]
    assert portable(line) == "nas-harness run demo --data-root DATA --reuse results/one --reuse results/two --cpus 2"
    line = ["run", "/home/me/my.toml", "--recipe=/home/me/tuned.toml", "--set", "recipe.lr=0.1"]
    assert portable(line) == "nas-harness run my.toml --recipe tuned.toml --set recipe.lr=0.1"


@pytest.mark.training
def test_heat_maps_of_cells_name_edges_and_operations(tmp_path: Path) -> None:
    study = tmp_path / "cells.toml"
    study.write_text(
        'name = "cells"\nspace = "cell-study1"\nspace_options = { channels = 4, cells = 2 }\n'
        'data = { name = "digits", train_images = 64, test_images = 32 }\nseeds = { search = 1 }\n'
        'search = { epochs = 1 }\nrecipe = { epochs = 1, batch_size = 32 }\n[[method]]\nname = "darts"\n'
    )
    with pytest.raises(SystemExit):
        main(["run", str(study), "--executor", "in-process", "--results", str(tmp_path)])
    drawn = pd.read_csv(tmp_path / "cells" / "report" / "figures" / "alpha-darts.csv")
    assert set(drawn["column"]) >= {"conv_5x5", "max_pool_3x3", "skip_connect", "none"}
    assert set(drawn["row"]) >= {"0→1", "4→5"}
