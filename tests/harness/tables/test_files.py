"""Tables of one's own: CSV and Parquet, and what is said of those that cannot be used."""

from pathlib import Path

import pandas as pd
import pytest

from harness.errors import BadInput
from harness.tables import files, opened
from spaces.registry import load

ROWS = [
    ("vgg11 1-3", "digits", 0, 90.0, 10.0, 1000), ("vgg11 1-3", "digits", 1, 92.0, 12.0, 1000),
    ("vgg11", "digits", 0, 80.0, 9.0, 900), ("vgg11", "other", 0, 50.0, 9.0, 900),
]  # fmt: skip
SPACE = load("shortcut-vgg11", {})


def frame(rows=ROWS):
    return pd.DataFrame(rows, columns=["architecture", "data", "run", "accuracy", "cost_seconds", "parameters"])


def written(folder: Path, table, name="t.csv") -> Path:
    path = folder / name
    table.to_parquet(path) if name.endswith(".parquet") else table.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_runs_are_read_by_architecture(tmp_path: Path, name):
    found = files.read(written(tmp_path, frame(), name), "digits", SPACE)
    assert found.entry("vgg11 1-3").accuracies == (90.0, 92.0)
    assert found.entry("vgg11 1-3").costs == (10.0, 12.0)
    assert found.entry("vgg11").parameters == 900
    assert len(found.entries) == 2
    with pytest.raises(LookupError, match="has no run of vgg11 2-4"):
        found.entry("vgg11 2-4")


def test_costs_and_parameters_may_be_absent(tmp_path: Path):
    bare = frame().drop(columns=["cost_seconds", "parameters"])
    entry = files.read(written(tmp_path, bare), "digits", SPACE).entry("vgg11 1-3")
    assert (entry.costs, entry.parameters) == ((0.0, 0.0), None)


def changed(row, column, value):
    table = frame().astype(object)
    table.loc[row, column] = value
    return table


@pytest.mark.parametrize(("table", "said"), [
    (frame().drop(columns=["accuracy"]), "column 'accuracy' is missing; it needs architecture, data, run, accuracy"),
    (frame()[frame()["data"] == "other"], r"table\.data = 'digits': .* has other"),
    (frame().iloc[:0], r"table\.data = 'digits': .* has no data set"),
    (pd.concat([frame(), frame().iloc[:1]]), r"rows 2, 6 are the same run of vgg11 1-3"),
    (changed(1, "accuracy", None), r"row 3: accuracy = nan is not a percentage"),
    (changed(1, "accuracy", 101), r"row 3: accuracy = 101 is not a percentage"),
    (frame().assign(accuracy=frame()["accuracy"] / 100), r"accuracies are percentages, and the highest .* is 0\."),
    (changed(1, "accuracy", "good"), r"row 3: accuracy = good is not a percentage"),
    (changed(2, "run", -1), r"row 4: run = -1 is not a number from 0 on"),
    (changed(2, "cost_seconds", float("inf")), r"row 4: cost_seconds = inf is not a number"),
    (changed(2, "parameters", None), r"row 4: parameters = nan is not a number"),
    (changed(1, "run", 1.5), r"row 3: run = 1.5 is not a number from 0 on that is whole"),
    (changed(1, "parameters", 1e300), r"row 3: parameters = 1e\+300 is not a number"),
    (changed(1, "parameters", 1001), r"row 3: parameters = 1001 is not the number of an earlier run of vgg11 1-3"),
    (changed(1, "cost_seconds", 1e300), r"row 3: cost_seconds = 1e\+300 is not a number"),
    (changed(3, "data", None), r"row 5: data is empty; name a data set"),
    (frame().rename(columns={"parameters": "accuracy"}), "column 'accuracy' appears twice"),
    (changed(0, "architecture", "vgg19 1-3"), "'vgg19 1-3' is no architecture over vgg11"),
    (changed(0, "architecture", "vgg11 1:3"), "'1:3' is no shortcut"),
    (changed(0, "architecture", None), "is no architecture"),
])  # fmt: skip
def test_what_is_wrong_is_said_with_row_and_column(tmp_path: Path, table, said):
    with pytest.raises(BadInput, match=said):
        files.read(written(tmp_path, table.reset_index(drop=True)), "digits", SPACE)


@pytest.mark.parametrize("values", [
    pd.array([90.0, None, 80.0, 50.0], dtype="Float64"), pd.array([90, None, 80, 50], dtype="Int64"),
    [True, False, True, False], pd.to_timedelta([90, 92, 80, 50]),
], ids=["a missing number", "a missing whole number", "truth", "times"])  # fmt: skip
def test_a_column_of_another_kind_has_no_accuracies(tmp_path: Path, values):
    with pytest.raises(BadInput, match=r"accuracy = .* is not a percentage"):
        files.read(written(tmp_path, frame().assign(accuracy=values), "t.parquet"), "digits", SPACE)


@pytest.mark.parametrize(("name", "content", "said"), [
    ("t.csv", b"", "is no CSV file"), ("t.csv", b"\xff\xfe\0", "is no CSV file"),
    ("t.parquet", b"PAR1 but no more", "is no Parquet file"), ("t.parquet", b"", "is no Parquet file"),
])  # fmt: skip
def test_a_file_of_another_kind_is_named(tmp_path: Path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=said):
        files.read(tmp_path / name, "digits", SPACE)


@pytest.mark.parametrize("content", [
    b"architecture;data;run;accuracy\nvgg11;10;0;93.5\n",
    "architecture,data,run,accuracy\nvgg11,10,0,93.5\n".encode("utf-16"),
    "architecture,data,run,accuracy\n\nvgg11,10,10,7.25\n\nvgg11,10,9,93.5\n".encode("utf-8-sig"),
])  # fmt: skip
def test_tables_are_read_as_people_have_them(tmp_path: Path, content: bytes):
    (tmp_path / "t.csv").write_bytes(content)
    assert files.read(tmp_path / "t.csv", "10", SPACE).entry("vgg11").accuracies[0] == 93.5


def test_cells_of_digits_keep_their_zeros(tmp_path: Path):
    (tmp_path / "t.csv").write_text("architecture,data,run,accuracy\n012340,cifar10,0,90\n")
    space = load("nasbench201", {})
    assert files.read(tmp_path / "t.csv", "cifar10", space).entry(str(space.parse("012340"))).accuracies == (90.0,)


def settings(name, **more):
    return {"space": "shortcut-vgg11", "space_options": {}, "table": {"name": name, "data": "digits", **more}}


def test_a_path_goes_from_the_studys_folder_and_changes_are_seen(tmp_path: Path):
    written(tmp_path, frame())
    assert opened.table(settings("t.csv"), tmp_path).entry("vgg11").accuracies == (80.0,)
    written(tmp_path, changed(2, "accuracy", 81.25))
    assert opened.table(settings("t.csv"), tmp_path).entry("vgg11").accuracies == (81.25,)
    with pytest.raises(BadInput, match="is not the one of this study: its SHA-256 is"):
        opened.table(settings("t.csv", sha256="0" * 64), tmp_path)


@pytest.mark.parametrize(("name", "said"), [
    ("no.csv", "cannot be read: No such file"),
    ("t.txt", r"write nasbench201, or the path of a \.csv or \.parquet file"),
    ("nasbench101", "write nasbench201"), ("", "write nasbench201"), ("folder.csv", "cannot be read: Is a directory"),
])  # fmt: skip
def test_a_table_that_is_none_is_named(tmp_path: Path, name, said):
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(BadInput, match=said):
        opened.table(settings(name), tmp_path)
