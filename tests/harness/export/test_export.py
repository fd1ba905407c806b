"""`nas-harness export`: files that compute what the network does, wherever they are run."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from harness.commands import export
from harness.data import datasets
from harness.errors import BadInput
from harness.export import check, python_file
from harness.export.formats import FORMATS
from harness.export.trained import Normalised, Trained
from harness.storage import networks
from tests.commands import ended
from tests.kept import STUDY, rows, trained

Said = pytest.CaptureFixture[str]
CELLS = {"space": "cell-darts", "space_options": {"cells": 2, "channels": 2, "train_cells": 3, "train_channels": 4,
                                                  "auxiliary": 0.4, "drop_path": 0.1},
         "method": [{"name": "drawn", "strategy": "random"}]}  # fmt: skip
BENCH = {"space": "nasbench201", "space_options": {"train_cells": 1, "train_channels": 4},
         "method": [{"name": "drawn", "strategy": "random"}]}  # fmt: skip
SPACES = {"shortcuts": {}, "cells": CELLS, "nasbench201": BENCH}
ENDS = {"pt2": ".pt2", "onnx": ".onnx", "state-dict": ".pt", "python": ".py"}
FRESH = {  # how each file is run where there is no harness; `images` are there
    "pt2": """
        extra = {"about.json": ""}
        run = torch.export.load(path, extra_files=extra).module()
        about = json.loads(extra["about.json"])
    """,
    "onnx": """
        import onnx, onnxruntime
        session = onnxruntime.InferenceSession(path)
        run = lambda images: torch.from_numpy(session.run(None, {"images": images.numpy()})[0])
        about = {one.key: one.value for one in onnx.load(path).metadata_props}
        about |= {name: json.loads(about[name]) for name in ("labels", "mean", "std", "size")}
    """,
    "python": """
        import runpy
        module = runpy.run_path(path)
        run, about = module["Network"](), module["ABOUT"]
        assert module["LABELS"] == about["labels"]
    """,
}
CODE = """
import json, sys, textwrap, torch
torch.set_num_threads(1)
for name in ("harness", "spaces", "analysis", "ray"):
    sys.modules[name] = None
path, given = sys.argv[1:]
images, labels = torch.load(given)
{opening}
logits = torch.cat([run(images[:1]), run(images[1:])])
print(json.dumps([(logits.argmax(1) == labels).float().mean().item() * 100, logits.tolist(), about]))
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("made"), recipe={**STUDY["recipe"], "epochs": 2})


@pytest.fixture
def folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(made, tmp_path / "driven"))


def best(folder: Path, method: str = "drawn") -> dict[str, Any]:
    return min(rows(folder, method), key=lambda row: row["train_loss"])


@pytest.mark.training
@pytest.mark.long
def test_a_python_file_and_a_state_dict_have_the_rows_accuracy(folder: Path, capsys: Said) -> None:
    row = best(folder)
    for name in ("python", "state-dict"):
        assert ended("export", folder, "drawn", "--to", name, "--check") == 0
        out = capsys.readouterr().out
        assert f"({row['key']}), the lowest training loss of 1 kept: {row['architecture']}" in out
        assert f"{row['test_accuracy']:.4f} % by the file, {row['test_accuracy']:.4f} % in its row" in out
        assert ended("export", folder, row["key"], "--to", name) == 0, "an equal file may be there"
    found = torch.load(f"driven-{row['key']}.pt", weights_only=True)
    assert (found["labels"], found["mean"], found["size"]) == (list("0123456789"), [0.305], 32)
    assert found["state_dict"].keys() == networks.read(folder, row)["state_dict"].keys()
    code = Path(f"driven-{row['key']}.py").read_text()
    assert "harness" not in code.partition("WEIGHTS")[0].partition('"""')[2].partition('"""')[2]


@pytest.mark.training
@pytest.mark.slow
@pytest.mark.parametrize("space", SPACES)
def test_every_format_computes_the_network_in_a_fresh_process(space: str, tmp_path: Path, capsys: Said) -> None:
    folder = trained(tmp_path, **SPACES[space])
    row = best(folder)
    data = datasets.load(STUDY["data"], None)
    images = data.test.images.float() / 255
    torch.save((images, data.test.labels), tmp_path / "images.pt")
    expected = eager(folder, row)(images)
    for name, opening in FRESH.items():
        place = tmp_path / name
        place.mkdir()
        path = place / f"network{ENDS[name]}"
        assert ended("export", folder, row["key"], "--to", name, "--out", path, "--check") == 0
        accuracy, logits, about = fresh(opening, path, tmp_path / "images.pt")
        assert accuracy == pytest.approx(row["test_accuracy"], abs=1e-4)
        torch.testing.assert_close(torch.tensor(logits), expected, rtol=1e-3, atol=1e-4)
        assert (about["labels"], about["size"], len(about["mean"])) == (list("0123456789"), 32, 1)
        assert about["key"] == row["key"]
        assert b"site-packages" not in path.read_bytes(), "nor any other path of this machine"


@pytest.mark.training
@pytest.mark.slow
@pytest.mark.parametrize("name", ["pt2", "onnx"])
def test_a_file_that_is_written_again_is_the_same(folder: Path, name: str) -> None:
    for _ in range(2):
        assert ended("export", folder, "drawn", "--to", name, "--out", "network") == 0


def eager(folder: Path, row: dict[str, Any]) -> Any:
    from harness.export.trained import trained as opened

    network = opened(folder, row, "driven").module
    return lambda images: network(images).detach()


def fresh(opening: str, path: Path, images: Path) -> Any:
    """What a process without the harness makes of the file, in the file's folder."""
    import textwrap

    code = CODE.format(opening=textwrap.dedent(opening))
    done = subprocess.run([sys.executable, "-I", "-W", "ignore", "-c", code, path.name, str(images)], cwd=path.parent,
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def spoiled(folder: Path) -> None:
    networks.file(folder, best(folder)["key"]).write_bytes(b"other")


def gone(folder: Path) -> None:
    networks.file(folder, best(folder)["key"]).unlink()


def there(folder: Path) -> None:
    Path("there.pt").write_text("mine")


@pytest.mark.training
@pytest.mark.parametrize(
    ("change", "words", "says"),
    [
        (None, ["0" * 16], f"has neither a row with the key nor a method '{'0' * 16}'; there are: baseline, drawn"),
        (None, ["darts"], "there are: baseline, drawn"),
        (None, ["OTHER"], "is missing; take it from where it was kept"),
        (None, ["drawn", "--out", "no/such/folder.pt"], "no/such/folder.pt cannot be written: No such file"),
        (None, ["drawn", "--out", "/dev/null/a.pt"], "/dev/null/a.pt cannot be written"),
        (spoiled, ["drawn"], "is damaged: its digest is not its row's"),
        (gone, ["drawn"], "has no kept network of drawn"),
        (there, ["drawn", "--out", "there.pt"], "there.pt exists already and has other contents"),
        (there, ["drawn", "--out", "driven"], "driven exists already and has other contents"),
    ],
)
def test_what_cannot_be_exported_is_one_line(folder: Path, capsys: Said, change: Any, words: list[str],
                                             says: str) -> None:  # fmt: skip
    if change:
        change(folder)
    if words == ["OTHER"]:
        words = [next(row["key"] for row in rows(folder, "drawn") if row["key"] != best(folder)["key"])]
    assert ended("export", folder, *words, "--to", "state-dict") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line
    assert not list(Path().rglob(".*draft*"))


@pytest.mark.training
def test_a_missing_extra_is_one_line(folder: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *_: None)
    assert ended("export", folder, "drawn", "--to", "onnx") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("--to onnx needs onnx and onnxscript and onnxruntime: pip install 'nas-harness[export]'")


def rewritten(folder: Path, **changes: Any) -> str:
    """The key of a row whose kept file says something else, with the digest that it then has."""
    row, path = best(folder), folder / "trials.jsonl"
    found = {**networks.read(folder, row), **changes}
    content = networks.packed({name: value for name, value in found.items() if name != "state_dict"},
                              found["state_dict"])  # fmt: skip
    networks.file(folder, row["key"]).write_bytes(content)
    path.write_text(path.read_text().replace(row["weights"], networks.digest(content)))
    return str(row["key"])


@pytest.mark.training
@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"space": "stranger:Space"}, "--trust loads it"),
        ({"space_options": {"width": 0.125}}, "its weights do not fit its architecture"),
        ({"architecture": "vgg11"}, "is not the network of its row"),
        ({"labels": [1] * 10}, "is not the network of its row"),
        ({"mean": []}, "is not the network of its row"),
        ({"format": 2}, "holds no network of format 1"),
    ],
)
def test_a_file_of_somebody_else_runs_nothing_and_is_named(folder: Path, capsys: Said, changes: dict[str, Any],
                                                           says: str) -> None:  # fmt: skip
    assert ended("export", folder, rewritten(folder, **changes), "--to", "state-dict") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line


@pytest.mark.training
@pytest.mark.long
def test_names_of_classes_cannot_leave_their_place_in_the_code(folder: Path) -> None:
    labels = ['"""', "\\", '"""\nraise SystemExit(9)\nr"""', "ü", *"456789"]
    assert ended("export", folder, rewritten(folder, labels=labels), "--to", "python", "--out", "network.py") == 0
    module: dict[str, Any] = {"__name__": "network"}
    exec(Path("network.py").read_text(), module)
    assert module["LABELS"] == labels


class Undecided(torch.nn.Module):
    """Which way it goes depends on the pixels."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.mean((2, 3)) if images.sum() > 0 else images.amax((2, 3))


class Strange(torch.nn.Module):
    """Calls an operation that torch alone does not have."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.ops.strange.halved(images).mean((2, 3))


@torch.library.custom_op("strange::halved", mutates_args=())
def halved(images: torch.Tensor) -> torch.Tensor:
    return images / 2


@halved.register_fake
def _(images: torch.Tensor) -> torch.Tensor:
    return torch.empty_like(images)


@pytest.mark.long
@pytest.mark.parametrize(
    ("network", "says"),
    [(Undecided(), "torch.export cannot follow the network of abc"), (Strange(), "it calls strange.halved.default")],
)
def test_a_network_that_cannot_be_code_is_named(network: torch.nn.Module, says: str) -> None:
    made = Trained({"channels": 1, "size": 8, "mean": [0.5], "std": [0.5]}, {"key": "abc"})
    made.__dict__["module"] = Normalised(network, [0.5], [0.5]).eval()
    with pytest.raises(BadInput, match=says):
        python_file.source(made)


@pytest.mark.training
def test_an_accuracy_that_is_not_the_rows_ends_with_1(folder: Path, capsys: Said) -> None:
    row, path = best(folder), folder / "trials.jsonl"
    text = f'"test_accuracy": {row["test_accuracy"]}'
    path.write_text(path.read_text().replace(text, f'"test_accuracy": {row["test_accuracy"] + 0.05}'))
    assert ended("export", folder, row["key"], "--to", "state-dict", "--check") == 1
    assert "the file's accuracy on 64 test images is not its row's" in capsys.readouterr().err


@pytest.mark.training
@pytest.mark.parametrize("change", [{"test_accuracy": None}, {"data": {}}, {"data": {"name": 5}}], ids=str)
def test_a_row_of_no_run_is_one_line(folder: Path, capsys: Said, change: dict[str, Any]) -> None:
    row, path = best(folder), folder / "trials.jsonl"
    odd = {**row, **change, "settings": {**row["settings"], **change}}
    path.write_text(f"{json.dumps(odd)}\n")
    assert ended("export", folder, row["key"], "--to", "state-dict", "--check") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"row {row['key']}: was not written by a run" in line


def test_networks_of_lower_precision_may_differ_by_a_tenth_of_a_point() -> None:
    assert check.tolerance({"precision": "fp32", "path": "channels_last"}, 10_000) == 0
    assert check.tolerance({"precision": "bf16", "path": "eager"}, 10_000) == 0.1
    assert check.tolerance({"precision": "fp32", "path": "eager channels_last tf32"}, 10_000) == 0.1
    assert check.tolerance({"precision": "bf16", "path": "eager"}, 500) == 0.2, "one image"


@pytest.mark.parametrize(
    ("study", "key"), [("/home/me/.profile", "a"), ("../up", "a"), ("driven", "../a"), ("..", "/a")]
)
def test_a_folder_of_somebody_else_names_no_other_place(study: str, key: str) -> None:
    with pytest.raises(BadInput, match="no name of a file; name one with --out"):
        export.named(study, key, ".py")
    assert export.named("driven", "0123", ".py") == "driven-0123.py"


class Unknown(torch.nn.Module):
    """What torch can follow and ONNX has no operator for."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.special.bessel_j0(images).flatten(1)[:, :2]


def test_what_onnx_cannot_express_is_one_line() -> None:
    network: Any = SimpleNamespace(module=Unknown(), images=lambda n: torch.rand(n, 1, 4, 4), about={"key": "0123"})
    with pytest.raises(BadInput, match=r"ONNX cannot express the network of 0123 .*--to state-dict gives its weights"):
        FORMATS["onnx"].write(network)
