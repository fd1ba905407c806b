"""`start = "RESULTS:KEY"`: a method trains a kept network on, and is refused where it does not fit."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from harness.commands.verify import problems
from harness.errors import BadInput
from harness.run.prepare import Prepared, prepare
from harness.storage import networks
from tests.driven import ran
from tests.kept import STUDY, rows, trained
from tests.studies import as_toml, tiny


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("made"), keep_weights="all", seeds={"search": 1})


def first(folder: Path) -> dict[str, Any]:
    return rows(folder, "drawn")[0]


def started(folder: Path, key: str, home: Path | None = None, method: dict[str, Any] | None = None,
            **changes: Any) -> Prepared:  # fmt: skip
    one = {"name": "longer", "start": f"{folder}:{key}", **(method or {})}
    return prepare(tiny(**{"seeds": {"search": 1}, "method": [one], **changes}), Path("none"), None, False, "cpu",
                   home=home)  # fmt: skip


@pytest.mark.training
def test_training_goes_on_from_the_kept_weights(made: Path, tmp_path: Path) -> None:
    """With a learning rate of almost nothing the network stays what it was."""
    row = first(made)
    recipe = {**STUDY["recipe"], "lr": 1e-30}
    method = [{"name": "longer", "start": f"{made}:{row['key']}"}]
    folder = trained(tmp_path, method=method, recipe=recipe, keep_weights="all", seeds={"search": 1})
    (longer,) = rows(folder)
    assert problems(folder) == []
    assert (longer["architecture"], longer["parameters"]) == (row["architecture"], row["parameters"])
    before, after = (networks.read(home, one)["state_dict"] for home, one in ((made, row), (folder, longer)))
    assert all(before[name].equal(after[name]) for name in before if "running" not in name and "num" not in name)
    assert ran(tmp_path, study=as_toml({**STUDY, "method": method, "recipe": recipe, "keep_weights": "all",
                                        "seeds": {"search": 1}}))[2] == []  # fmt: skip


@pytest.mark.training
def test_the_key_has_the_weights_and_not_their_place(made: Path, tmp_path: Path) -> None:
    key = first(made)["key"]
    moved = shutil.copytree(made, tmp_path / "moved")
    one, other = (set(started(*where).plan.jobs) for where in ((made, key), (Path("moved"), key, tmp_path)))
    assert one == other
    second = rows(made, "baseline")[0]["key"]
    assert set(started(moved, second).plan.jobs) != one


@pytest.mark.training
@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"method": {"twins": {"count": 1}}}, "twins would be ignored"),
        ({"method": {"architecture": "vgg11"}}, "architecture would be ignored"),
        ({"method": {"name": "baseline"}}, "give the method another name"),
        ({"space_options": {"width": 0.125}}, r"options \{'width': 0.0625\}, and this study's of .*0.125"),
        ({"data": {"name": "test_trained_on:wide", "train_images": 96}}, "do not fit the network for this study's"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_starts(made: Path, more: dict[str, Any], says: str,
                                                             monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    with pytest.raises(BadInput, match=says) as found:
        started(made, first(made)["key"], **more)
    assert "\n" not in str(found.value)


def wide(root: Path | None, download: bool) -> Any:
    """Digits in three channels."""
    from harness.data.datasets import digits
    from harness.data.images import DataSet, Images

    plain = digits(root, download)
    parts = [Images(part.images.repeat(1, 3, 4, 4), part.labels) for part in (plain.train, plain.test)]
    return DataSet(*parts, 10, (0.3,) * 3, (0.4,) * 3)


@pytest.mark.training
def test_other_classes_are_no_hindrance(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The classifier then starts anew."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    data = {"name": "test_trained_on:halves", "train_images": 96}
    assert len(started(made, first(made)["key"], data=data).plan.jobs) == 1


def halves(root: Path | None, download: bool) -> Any:
    """Digits below 5 and others."""
    from harness.data.datasets import digits
    from harness.data.images import DataSet, Images

    plain = digits(root, download)
    parts = [Images(part.images.repeat(1, 1, 4, 4), (part.labels > 4).long()) for part in (plain.train, plain.test)]
    return DataSet(*parts, 2, (0.3,), (0.4,))


@pytest.mark.training
def test_a_start_that_is_not_there_is_one_line(made: Path, tmp_path: Path) -> None:
    row = first(made)
    folder = Path(shutil.copytree(made, tmp_path / "driven"))
    for start, says in ((tmp_path / "no", "holds no study.json"), (folder, "has no finished training of this key")):
        with pytest.raises(BadInput, match=f"method 'longer': start = .*{says}"):
            started(start, "0" * 16)
    networks.file(folder, row["key"]).write_bytes(b"x")
    with pytest.raises(BadInput, match="is damaged: its digest is not its row's"):
        started(folder, row["key"])
    networks.file(folder, row["key"]).unlink()
    with pytest.raises(BadInput, match=r"\.pt is missing; take it from where it was kept"):
        started(folder, row["key"])
    lines = [json.loads(line) for line in (folder / "trials.jsonl").read_text().splitlines()]
    for settings, says in (({}, "that network is of None"), (None, "settings is missing")):
        changed = [{**one, "settings": settings} if one["key"] == row["key"] else one for one in lines]
        (folder / "trials.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in changed))
        networks.file(folder, row["key"]).write_bytes(networks.file(made, row["key"]).read_bytes())
        with pytest.raises(BadInput, match=f"method 'longer': start = .*{says}"):
            started(folder, row["key"])
    with pytest.raises(BadInput, match=re.escape("write RESULTS:KEY")):
        prepare(tiny(method=[{"name": "longer", "start": str(folder)}]), tmp_path, None, False, "cpu")
    for name in ("trials.jsonl", "study.json"):
        (folder / name).unlink()
        (folder / name).mkdir()
        with pytest.raises(BadInput, match=rf"method 'longer': start = .*{name} cannot be read \(Is a directory\)"):
            started(folder, row["key"])
