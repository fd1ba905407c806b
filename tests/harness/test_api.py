"""What notebooks import: a study as a value, its run, its trials as tables; and the example notebook itself."""

import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from harness import api
from harness.study.load import load_study
from tests.driven import JOBS, STUDY

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


def test_what_is_wrong_is_one_line(tmp_path: Path) -> None:
    for call in (lambda: api.load_results(tmp_path), lambda: api.load_results(), lambda: api.study("nothing")):
        with pytest.raises(api.BadInput) as error:
            call()
        assert len(str(error.value).splitlines()) == 1
    (tmp_path / "study.toml").write_text(STUDY)
    api.run(tmp_path / "study.toml", tmp_path, executor="in-process")
    with open(tmp_path / "driven" / "trials.jsonl", "a") as file:
        file.write('{"key": "a", "curve": 3}\n')
    with pytest.raises(api.BadInput, match="is of no run"):
        api.load_results(tmp_path / "driven")


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
