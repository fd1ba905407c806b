"""What notebooks import: a study as a value, its run, its trials as tables; and the example notebook itself."""

import errno
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from harness import api
from harness.storage import protocol
from harness.storage.rows import latest_rows
from harness.study.load import load_study
from spaces import registry as spaces
from spaces.architecture import Shortcuts
from tests.driven import JOBS, STUDY, ran, strikes

NOTEBOOK = Path(__file__).parents[2] / "examples" / "notebook" / "compare.ipynb"


def test_a_study_comes_from_a_name_a_file_or_values(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(STUDY)
    values = tomllib.loads(STUDY)
    assert api.study(path) == api.study(values) == load_study(str(path))
    changed = api.study(values, {"recipe.epochs": 7, "search.snapshots": [2], "method.darts-A.twins": 3})
    assert (changed.recipe.epochs, changed.search.snapshots, changed.method[0].twins.count) == (7, (2,), 3)
    assert api.study(values).recipe.epochs == 2, "the values themselves stay as they are"
    assert api.study("demo") == load_study("demo")
    with pytest.raises(api.BadInput, match="unknown key 'sede'"):
        api.study({**values, "sede": 1})


def test_values_of_python_are_those_of_a_file(tmp_path: Path) -> None:
    values = tomllib.loads(STUDY)
    given = {**values, "seeds": {"search": np.int64(1)}, "search": {"epochs": 2, "snapshots": np.array([1, 2])},
             "space_options": {"width": np.float64(0.125)}}  # fmt: skip
    assert api.study(given) == api.study(values)
    assert "np." not in repr(api.study(given))
    weights = Path("below") / "w.pt"
    found = api.study(values, {"seeds": {"search": 5}, "recipe": {"scheduler": {"kind": "cosine"}}, "recipe.clip": None,
                               "recipe.pretrained": weights, "search.snapshots": (1,), "seeds.train": np.int64(2)}
                      )  # fmt: skip
    assert (found.seeds.search, found.seeds.train, found.recipe.scheduler.kind) == (5, 2, "cosine")
    assert (found.recipe.clip, found.recipe.pretrained, found.search.snapshots) == (None, "below/w.pt", (1,))


ODD: Any = [
    (lambda: api.study(STUDY_VALUES, ["recipe.epochs=3"]), 'changes: write field and value of each, as in {"recipe'),
    (lambda: api.study(STUDY_VALUES, {3: 4}), "--set 3=4: name the field as text"),
    (lambda: api.study(STUDY_VALUES, {"method.twins": 2}), "as in method.NAME.twins=2"),
    (lambda: api.study({**STUDY_VALUES, 3: 4}), "study: 3 is no name of a field"),
    (lambda: api.study({**STUDY_VALUES, "space_options": {"width": {1}}}), "space_options.width is a set, which no"),
    (lambda: api.study(STUDY_VALUES, {"space_options.width": b"1"}), "space_options.width is a bytes, which no study"),
    (lambda: api.study(STUDY_VALUES, {"recipe.lr": np.nan}), "recipe.lr = nan is no finite number"),
    (lambda: api.study(3), "3 is no path"),
    (lambda: api.study(""), "must not be empty"),
    (lambda: api.study("a\0"), "it holds a null byte"),
    (lambda: api.load_results(["results/demo"]), "['results/demo'] is no path"),
    (lambda: api.load_results("a\0"), "it holds a null byte"),
    (lambda: api.load_curves(""), "must not be empty"),
    (lambda: api.run(STUDY_VALUES, executor="inprocess"), "argument --executor: invalid choice: 'inprocess'"),
    (lambda: api.run(STUDY_VALUES, cpus=0), "argument --cpus: '0' is no number of cores"),
    (lambda: api.run(STUDY_VALUES, cpus=1.5), "argument --cpus: '1.5' is no number of cores"),
    (lambda: api.run(STUDY_VALUES, cpus="a\nb"), "argument --cpus: 'a b' is no number of cores"),
    (lambda: api.run(STUDY_VALUES, device="cuda:1"), "--device cuda:1: Ray hands out the GPUs"),
    (lambda: api.run(STUDY_VALUES, device="tpu", executor="in-process"), "--device tpu: write auto, cpu, cuda"),
    (lambda: api.run(STUDY_VALUES, "", executor="in-process"), "argument --results: must not be empty"),
    (lambda: api.run(STUDY_VALUES, data_root="", executor="in-process"), "argument --data-root: must not be empty"),
    (lambda: api.run(STUDY_VALUES, os.devnull, executor="in-process"), "/dev/null/driven is no folder"),
    (lambda: api.run(None, executor="in-process"), "None is no path"),
]
STUDY_VALUES: Any = tomllib.loads(STUDY)


@pytest.mark.parametrize(("call", "says"), ODD)
def test_odd_values_are_refused_in_one_line(
    call: Callable[[], object], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(api.BadInput) as error:
        call()
    assert says in str(error.value)
    assert len(str(error.value).splitlines()) == 1
    assert not list(tmp_path.iterdir()), "nothing was written"


def test_a_tilde_is_the_home_as_for_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "study.toml").write_text(STUDY)
    assert len(api.run("~/study.toml", "~/results", executor="in-process")) == JOBS
    assert len(api.load_results("~/results/driven")) == JOBS


def test_the_page_s_study_without_files_is_one() -> None:
    page = (NOTEBOOK.parents[2] / "docs" / "notebooks.md").read_text()
    (block,) = [block for block in re.findall(r"```py\n(.*?)```", page, re.DOTALL) if '"values"' in block]
    found: dict[str, Any] = {"api": api}
    exec(block, found)
    assert [method.name for method in found["study"].method] == ["darts-A", "baseline"]


def test_run_gives_trials_and_the_same_call_only_loads(tmp_path: Path) -> None:
    study = api.study(tomllib.loads(STUDY))
    first = api.run(study, tmp_path, executor="in-process")
    assert first["status"].tolist() == ["done"] * JOBS
    rows = (tmp_path / "driven" / "trials.jsonl").read_bytes()
    again = api.run(study, tmp_path, executor="in-process")
    assert (tmp_path / "driven" / "trials.jsonl").read_bytes() == rows
    pd.testing.assert_frame_equal(first, again)
    pd.testing.assert_frame_equal(first, api.load_results(tmp_path / "driven"))
    assert set(api.load_curves(tmp_path / "driven")["key"]) <= set(first["key"])
    with pytest.raises(api.BadInput, match="holds another study of this name"):
        api.run(api.study(tomllib.loads(STUDY), {"recipe.epochs": 3}), tmp_path, executor="in-process")


def test_a_file_s_own_module_is_found_beside_it(tmp_path: Path) -> None:
    (tmp_path / "api_formula.py").write_text("def half(settings, epoch):\n    return {'value': 50.0}\n")
    path = tmp_path / "study.toml"
    path.write_text(STUDY.replace("harness.training.formula:stand_in", "api_formula:half"))
    found = api.run(path, tmp_path, executor="in-process")
    assert set(found.loc[found["kind"] == "train", "test_accuracy"]) == {50.0}


def test_a_study_s_relative_paths_go_from_its_file_and_not_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other weights of the same name lie in the current folder."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "study.toml").write_text(STUDY.replace("lr = 1e-6", "lr = 1e-6, pretrained = 'w.pt'"))
    network = spaces.load("shortcut-vgg11", {"width": 0.125}).build(Shortcuts("vgg11"), 10, 1)
    for folder, value in ((tmp_path / "mine", 0.1), (tmp_path, 0.2)):
        torch.save({name: torch.full_like(one, value) for name, one in network.state_dict().items()}, folder / "w.pt")
    monkeypatch.chdir(tmp_path)
    changed = api.study("mine/study.toml", {"smallest_effect": 1})
    for given in ("mine/study.toml", api.study("mine/study.toml"), changed):
        api.run(given, executor="in-process")
    (used,) = {row["settings"]["recipe"]["pretrained_sha256"] for row in latest_rows(Path("results/driven")).values()}
    assert used == sha256((tmp_path / "mine" / "w.pt").read_bytes()).hexdigest()


@pytest.mark.parametrize("name", ["predictions", "checkpoints", "study.json"])
def test_run_refuses_links_out_of_its_folder(name: str, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "000001.pt").write_text("mine")
    (tmp_path / "driven").mkdir()
    (tmp_path / "driven" / name).symlink_to(mine)
    with pytest.raises(api.BadInput, match="is a symbolic link out of the results folder"):
        api.run(STUDY_VALUES, tmp_path, executor="in-process")
    assert [path.name for path in mine.iterdir()] == ["000001.pt"]
    assert [path.name for path in (tmp_path / "driven").iterdir()] == [name]


def looks(folder: Path) -> list[tuple[int, int]]:
    return [(one.rows, one.planned) for one in protocol.read(folder) if one.event == protocol.Event.REPORTED]


def test_trials_that_are_seen_while_rows_are_missing_are_a_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "driven"
    ran(tmp_path, strikes("train", "failed", times=1))
    assert looks(folder) == []
    shown = api.load_results(folder)
    assert "failed" in set(shown["status"])
    (look,) = looks(folder)
    api.load_curves(folder)
    assert looks(folder) == [look], "the same rows again are no other look"
    monkeypatch.setattr(protocol, "opened", read_only)
    pd.testing.assert_frame_equal(api.load_results(folder), shown)
    assert looks(folder) == [look]
    monkeypatch.undo()
    rows = (folder / "trials.jsonl").read_text().splitlines(keepends=True)
    trained = next(row for row in rows if json.loads(row)["kind"] == "train" and json.loads(row)["status"] == "done")
    (folder / "trials.jsonl").write_text(trained)
    monkeypatch.setattr(protocol, "opened", read_only)
    capsys.readouterr()
    assert len(api.load_results(folder)) == 1
    assert f"{folder}: its protocol does not say that its rows were looked at" in capsys.readouterr().err


def read_only(path: Path, flags: int) -> int:
    raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))


BROKEN = """
from harness.training.formula import stand_in

begun = []

def half(settings, epoch):
    begun.extend([1] if epoch == 1 else [])
    if len(begun) > 5:
        raise ValueError("no")
    return stand_in(settings, epoch)
"""


def test_run_says_what_its_table_does_not_show_and_that_is_a_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "api_broken.py").write_text(BROKEN)
    path = tmp_path / "study.toml"
    path.write_text(STUDY.replace("harness.training.formula:stand_in", "api_broken:half"))
    found = api.run(path, tmp_path, executor="in-process")
    assert found["status"].value_counts().to_dict() == {"done": JOBS - 1, "failed": 1}
    assert "1 trials are missing or failed: nas-harness status" in capsys.readouterr().err
    assert looks(tmp_path / "driven") == [(JOBS - 1, JOBS)]
    api.run(STUDY_VALUES, tmp_path, executor="in-process", change=True)
    assert "the study is not as it was" in capsys.readouterr().err
    assert len(looks(tmp_path / "driven")) == 1, "all are there"


def test_a_space_that_fails_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "api_space.py").write_text(
        "from spaces.shortcuts.space import ShortcutSpace\n"
        "class Torn(ShortcutSpace):\n    def supernet(self, *_):\n        raise RuntimeError('not finished')\n"
    )
    path = tmp_path / "study.toml"
    path.write_text(STUDY.replace('"shortcut-vgg11"', '"api_space:Torn"').replace("width = 0.125", 'vgg = "vgg11"'))
    with pytest.raises(api.BadInput, match=r"api_space:Torn fails before anything starts: RuntimeError: not finished"):
        api.run(path, tmp_path, executor="in-process")


def test_two_studies_with_modules_of_one_name_need_two_processes(tmp_path: Path) -> None:
    for name, value in (("one", 50), ("two", 60)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "api_twice.py").write_text(f"def f(settings, epoch):\n    return {{'value': {value}.0}}\n")
        text = STUDY.replace("harness.training.formula:stand_in", "api_twice:f")
        (tmp_path / name / "study.toml").write_text(text)
    api.run(tmp_path / "one" / "study.toml", tmp_path / "one", executor="in-process")
    with pytest.raises(api.BadInput, match=r"has imported api_twice of .*one already; start a new one"):
        api.run(tmp_path / "two" / "study.toml", tmp_path / "two", executor="in-process")
    assert not (tmp_path / "two" / "driven").exists()
    sys.modules.pop("api_twice")


def test_data_are_read_anew_by_each_run(tmp_path: Path) -> None:
    (tmp_path / "api_data.py").write_text(
        "from harness.data.datasets import digits\nREAD = []\n"
        "def some(root, download):\n    READ.append(1)\n    return digits(root, download)\n"
    )
    path = tmp_path / "study.toml"
    path.write_text(STUDY.replace('"digits"', '"api_data:some"'))
    for number in (1, 2):
        api.run(path, tmp_path, executor="in-process")
        assert len(sys.modules["api_data"].READ) == number


def test_torch_is_afterwards_as_it_was(tmp_path: Path) -> None:
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        api.run(STUDY_VALUES, tmp_path, executor="in-process")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert torch.rand(1) == expected


def test_what_is_wrong_is_one_line(tmp_path: Path) -> None:
    for call in (lambda: api.load_results(tmp_path), lambda: api.load_results(), lambda: api.study("nothing")):
        with pytest.raises(api.BadInput) as error:
            call()
        assert len(str(error.value).splitlines()) == 1
    (tmp_path / "study.toml").write_text(STUDY)
    api.run(tmp_path / "study.toml", tmp_path, executor="in-process")
    with open(tmp_path / "driven" / "trials.jsonl", "a") as file:
        file.write('{"key": "a", "curve": 3}\n')
    with pytest.raises(api.BadInput, match="line 7 is no row: kind is missing; mend or remove that line"):
        api.load_results(tmp_path / "driven")
    for name in ("trials.jsonl", "study.json"):
        (tmp_path / "driven" / name).unlink()
        (tmp_path / "driven" / name).mkdir()
        for call in (lambda: api.load_results(tmp_path / "driven"),
                     lambda: api.run(STUDY_VALUES, tmp_path, executor="in-process")):  # fmt: skip
            with pytest.raises(api.BadInput, match=rf"driven/{name}.* Is a directory|driven/{name} cannot be read"):
                call()


@pytest.mark.long
def test_a_script_without_open_streams_harms_no_row(tmp_path: Path) -> None:
    own = "import os\n\ndef f(settings, epoch):\n    os.write(2, b'noise')\n    return {'value': 50.0}\n"
    (tmp_path / "api_noisy.py").write_text(own)
    (tmp_path / "study.toml").write_text(STUDY.replace("harness.training.formula:stand_in", "api_noisy:f"))
    code = "from harness import api; api.run('study.toml', executor='in-process')"
    shell = ["sh", "-c", '"$@" >&- 2>&- <&-', "sh", sys.executable, "-c", code]
    assert subprocess.run(shell, timeout=300, cwd=tmp_path, check=False).returncode == 0
    assert set(api.load_results(tmp_path / "results" / "driven")["status"]) == {"done"}


@pytest.mark.slow
@pytest.mark.ray
def test_run_runs_on_ray_as_a_script_does(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(STUDY)
    code = "from harness import api; print(*api.run('study.toml', cpus=2)['status'])"
    line = [sys.executable, "-c", code]
    done = subprocess.run(line, capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert done.stdout.split() == ["done"] * JOBS, done.stderr


@pytest.mark.slow
@pytest.mark.training
@pytest.mark.skipif(not find_spec("nbclient"), reason="no nbclient here")
@pytest.mark.filterwarnings("default")  # of the notebook's server, which is not ours
def test_the_example_notebook_runs(tmp_path: Path) -> None:
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert not [cell for cell in notebook.cells if cell.get("outputs")], "kept without outputs"
    NotebookClient(notebook, timeout=500, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any("image/png" in output.get("data", {}) for output in shown)
    assert set(api.load_results(tmp_path / "results" / "notebook")["status"]) == {"done"}
