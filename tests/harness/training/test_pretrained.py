"""Pretrained starts: torchvision's weights in our networks, state dicts from files, and a start on left-out images."""

import pickle
import re
import urllib.error

import pytest
import torch
from torch.nn import BatchNorm2d, Conv2d, Linear, Module, Sequential
from torchvision.models import VGG11_BN_Weights, vgg11_bn

from harness.cli import main
from harness.data import datasets
from harness.errors import BadInput
from harness.plan.make import make
from harness.plan.methods import merged
from harness.plan.strategies import strategy
from harness.run import in_process
from harness.run.admission import Shares
from harness.run.prepare import prepare
from harness.run.session import Session, run
from harness.storage.checkpoint import keep
from harness.storage.rows import read_rows
from harness.study.schema import LEFT_OUT
from harness.training import continued, pretrained
from spaces.architecture import Shortcuts
from spaces.registry import load
from tests.studies import TINY, as_toml, tiny

pytestmark = pytest.mark.long

PRETRAINED = {**TINY["search"], "recipe": {"pretrained": LEFT_OUT}}


@pytest.fixture(scope="module")
def torchvisions(tmp_path_factory):
    """A VGG11 of torchvision's with random weights and statistics, and its state dict's file."""
    torch.manual_seed(0)
    network = vgg11_bn(num_classes=5)
    for name, value in network.state_dict().items():
        if "running" in name:
            value.copy_(torch.rand_like(value) + 0.5)
    path = tmp_path_factory.mktemp("weights") / "vgg11_bn.pt"
    torch.save(network.state_dict(), path)
    return network.eval(), path


def test_our_vgg_computes_what_torchvisions_does(torchvisions):
    theirs, path = torchvisions
    ours = load("shortcut-vgg11").build(Shortcuts("vgg11"), 10, 3).eval()
    before = ours.classifier.weight.clone()
    pretrained.load_into(ours, pretrained.read(str(path), "vgg11"), "weights.pt")
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        expected = ours.classifier(theirs.features(images).mean((2, 3)))
        torch.testing.assert_close(ours(images), expected, rtol=1e-4, atol=1e-5)
    assert torch.equal(ours.classifier.weight, before), "its classes are others"


@pytest.mark.parametrize("gate", ["sigmoid", "softmax"])
def test_a_supernet_gets_the_blocks_and_keeps_the_rest(torchvisions, gate):
    _, path = torchvisions
    supernet = load("shortcut-vgg11").supernet(10, 3, gate)
    before = {name: value.clone() for name, value in supernet.state_dict().items()}
    pretrained.load_into(supernet, pretrained.read(str(path), "vgg11"), "weights.pt")
    changed = {name for name, value in supernet.state_dict().items() if not torch.equal(before[name], value)}
    assert {name.split(".")[0] for name in changed} == {"blocks"}
    assert len({name.split(".")[1] for name in changed}) == 8


def test_imagenet_weights_that_cannot_be_fetched_are_one_clear_line(monkeypatch):
    def refuse(*args, **more):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(VGG11_BN_Weights, "get_state_dict", refuse)
    with pytest.raises(BadInput, match=r"vgg11_bn-\w+\.pth cannot be fetched .*no network.*torch's hub folder"):
        pretrained.check(Linear(1, 1), "imagenet", "shortcut-vgg11")


def test_imagenet_weights_fit_under_our_names(monkeypatch):
    monkeypatch.setattr(VGG11_BN_Weights, "get_state_dict", lambda *args, **more: vgg11_bn().state_dict())
    network = load("shortcut-vgg11").build(Shortcuts("vgg11"), 10, 3)
    pretrained.load_into(network, pretrained.read("imagenet", "shortcut-vgg11"), "imagenet")


class Brought(Module):
    """Somebody's own network, whose layers have the name of torchvision's."""

    def __init__(self):
        super().__init__()
        self.features = Sequential(Conv2d(3, 4, 3), BatchNorm2d(4), Conv2d(4, 4, 3), BatchNorm2d(4))
        self.classifier = Linear(4, 10)


def test_a_network_of_ones_own_whose_layers_are_called_features_keeps_these_names(tmp_path):
    torch.save(Brought().state_dict(), tmp_path / "w.pt")
    network, state = Brought(), pretrained.read(str(tmp_path / "w.pt"), "")
    pretrained.check(network, str(tmp_path / "w.pt"), "")
    pretrained.load_into(network, state, "w.pt")
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())


def test_torchvisions_blocks_are_taken_beside_a_classifier_of_our_name(torchvisions):
    ours = load("shortcut-vgg11").build(Shortcuts("vgg11"), 10, 3)
    state = {**pretrained.read(str(torchvisions[1]), "vgg11"), "classifier.weight": torch.ones(10, 512)}
    pretrained.load_into(ours, state, "w.pt")
    assert torch.equal(ours.state_dict()["blocks.0.0.weight"], state["features.0.weight"])


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (
            {
                "features.0.weight": torch.ones(64, 3, 3, 3),
                "features.0.bias": torch.ones(64),
                "features.3.weight": torch.ones(128, 64, 3, 3),
            },
            "it holds a VGG without batch norm",
        ),
        ({"features.conv0.weight": torch.ones(64, 3, 7, 7)}, "no weight there fits this network"),
        ({"features.0": torch.ones(1)}, "no weight there fits this network"),
        ({0: torch.ones(1, 1)}, "holds no state dict: names with a tensor each"),
    ],
    ids=["plain VGG", "a word for a number", "no layer", "numbers for names"],
)
def test_weights_that_are_not_of_a_vgg_with_batch_norm_are_refused_in_a_line(tmp_path, state, says):
    torch.save(state, tmp_path / "w.pt")
    network = load("shortcut-vgg11").build(Shortcuts("vgg11"), 10, 3)
    with pytest.raises(BadInput, match=says) as found:
        pretrained.check(network, str(tmp_path / "w.pt"), "vgg11")
    assert "\n" not in str(found.value)


class Dangerous:
    def __reduce__(self):
        return print, ("executed",)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read as a state dict"),
        (b"nothing of the kind", "holds more than tensors"),
        (pickle.dumps(Dangerous()), "holds more than tensors"),
    ],
    ids=["missing", "text", "code"],
)
def test_a_file_that_is_no_state_dict(tmp_path, capsys, content, says):
    path = tmp_path / "weights.pt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInput, match=re.escape(f"recipe.pretrained = '{path}' {says}")):
        pretrained.check(Linear(1, 1), str(path), "vgg11")
    assert "executed" not in capsys.readouterr().out


def test_weights_of_another_network_are_refused(torchvisions):
    narrow = load("shortcut-vgg11", {"width": 0.0625}).build(Shortcuts("vgg11"), 10, 1)
    with pytest.raises(ValueError, match="no weight there fits this network"):
        pretrained.load_into(narrow, pretrained.read(str(torchvisions[1]), "vgg11"), "weights.pt")


def test_weights_that_do_not_fit_are_refused_before_anything_runs(torchvisions, tmp_path):
    study = tiny(recipe={**TINY["recipe"], "pretrained": str(torchvisions[1])})
    with pytest.raises(BadInput, match=r"recipe\.pretrained = .* no weight there fits this network"):
        prepare(study, tmp_path, None, False, "cpu")


def test_a_methods_own_start_is_checked_too(tmp_path):
    method = {"name": "darts", "rule": "A", "search": {"recipe": {"pretrained": str(tmp_path / "missing.pt")}}}
    with pytest.raises(BadInput, match=r"missing\.pt' cannot be read"):
        prepare(tiny(method=[method]), tmp_path / "results", None, False, "cpu")


def test_imagenet_is_for_vggs(tmp_path):
    cell = {
        "space": "cell-study1",
        "space_options": {"channels": 4},
        "method": [{"name": "drawn", "strategy": "random"}],
    }
    study = tiny(**cell, recipe={**TINY["recipe"], "pretrained": "imagenet"})
    with pytest.raises(BadInput, match="is for VGG spaces only"):
        prepare(study, tmp_path, None, False, "cpu")


# --- a file is what it holds


def weights(path, start):
    """A state dict of our own network, with every first block's weight at `start`."""
    state = load("shortcut-vgg11", TINY["space_options"]).build(Shortcuts("vgg11"), 10, 1).state_dict()
    torch.save({name: torch.full_like(value, start) for name, value in state.items()}, path)


def from_file(home, results, **changes):
    """The plan's keys of a study at `home` that names `w.pt` beside it, as searches' start alone."""
    search = {"epochs": 1, "recipe": {"pretrained": "w.pt"}}
    method = [{"name": "darts", "rule": "A"}, {"name": "vgg", "strategy": "baseline"}]
    study = tiny(**{"search": search, "method": method, "seeds": {"search": 1}, **changes})
    return prepare(study, results, None, False, "cpu", home=home)


def test_the_key_has_the_files_content_and_not_its_place(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    for home in (here, there):
        home.mkdir()
        weights(home / "w.pt", 0.1)
    first, same = (from_file(home, tmp_path / "results").plan.jobs for home in (here, there))
    assert list(first) == list(same)
    given = from_file(None, tmp_path / "results", search={"epochs": 1, "recipe": {"pretrained": str(here / "w.pt")}})
    assert list(first) == list(given.plan.jobs)
    weights(here / "w.pt", 0.2)
    other = from_file(here, tmp_path / "results").plan.jobs
    unchanged = {job.method for key, job in first.items() if key in other}
    assert unchanged == {"vgg"}, "it starts from no file"


def test_a_digest_in_the_study_must_be_the_files(tmp_path):
    weights(tmp_path / "w.pt", 0.1)
    recipe = {"pretrained": "w.pt", "pretrained_sha256": pretrained.digest("w.pt", tmp_path)}
    from_file(tmp_path, tmp_path / "results", search={"epochs": 1, "recipe": recipe})
    weights(tmp_path / "w.pt", 0.2)
    with pytest.raises(BadInput, match=r"'w\.pt': its SHA-256 is .*, not as recipe\.pretrained_sha256 says"):
        from_file(tmp_path, tmp_path / "results", search={"epochs": 1, "recipe": recipe})


@pytest.mark.training
def test_weights_that_were_swapped_run_again_and_those_swapped_meanwhile_fail(tmp_path, monkeypatch):
    """By the real command, from a folder that is not the study's."""
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    weights(home / "w.pt", 0.1)
    recipe = {**TINY["recipe"], "pretrained": "w.pt"}
    study = {**TINY, "seeds": {"search": 1}, "recipe": recipe, "method": [{"name": "baseline"}]}
    (home / "s.toml").write_text(as_toml(study))
    words = ["run", str(home / "s.toml"), "--executor", "in-process", "--results", str(tmp_path)]
    for start, rows, more in ((0.1, 1, []), (0.1, 1, []), (0.2, 2, ["--change"])):
        weights(home / "w.pt", start)
        with pytest.raises(SystemExit) as end:
            main([*words, *more])
        assert end.value.code == 0
        assert [row["status"] for row in read_rows(tmp_path / "tiny")] == ["done"] * rows
    ready = from_file(home, tmp_path / "other", recipe=recipe)
    weights(home / "w.pt", 0.3)
    assert run(ready, Session(in_process.run, Shares({}, {}), "cpu", None, "test"))
    assert {row["status"] for row in read_rows(ready.folder)} == {"failed"}
    assert all("is not the file that it was" in row["error"] for row in read_rows(ready.folder))


# --- a start on left-out images


def test_left_out_images_are_as_many_again_and_others():
    part = {"name": "digits", "train_images": 300}
    mine, other = (datasets.load({**part, **more}, None).train for more in ({}, {LEFT_OUT: True}))
    assert len(mine) == len(other) == 300
    both = {image.numpy().tobytes() for image in mine.images} & {image.numpy().tobytes() for image in other.images}
    assert len(both) <= 1, "the digits hold a few images twice"
    with pytest.raises(BadInput, match="as many again"):
        datasets.load({"name": "digits", "train_images": 700, LEFT_OUT: True}, None)


def test_a_plan_has_one_pretraining_a_seed_and_changes_nothing_else():
    plain, started = (make(merged(study), ("A", "B"), strategy) for study in (tiny(), tiny(search=PRETRAINED)))
    pretraining = [job for job in started.jobs.values() if job.role == "pretraining"]
    assert [job.seed for job in pretraining] == [0, 1]
    searches = [job for job in started.jobs.values() if job.kind == "search"]
    assert [job.needs for job in searches] == [(job.key,) for job in pretraining]
    assert [job.reads for job in searches] == [(job.key,) for job in pretraining]
    assert list(started.rows) == list(plain.rows)
    assert {job.key for job in plain.jobs.values() if job.method == "baseline"} < started.jobs.keys()
    assert not {job.key for job in plain.jobs.values() if job.kind == "search"} & started.jobs.keys()


@pytest.mark.training
def test_a_search_starts_from_the_pretraining_and_its_curve_has_the_test_accuracy(tmp_path, monkeypatch):
    """With a learning rate of almost 0 the supernet's blocks stay where they started."""
    left = {}

    def kept(folder, key, state):
        left[key] = {name: value.clone() for name, value in state.items()}
        keep(folder, key, state)

    monkeypatch.setattr(continued, "keep", kept)
    methods = [
        {"name": "rs", "strategy": "random-search", "rule": "B", "search": {"score": "supernet", "candidates": 2}}
    ]
    search = {"epochs": 1, "recipe": {"pretrained": LEFT_OUT, "lr": 1e-12}}
    study = tiny(seeds={"search": 1}, method=[{"name": "darts", "rule": "B"}, *methods], search=search, test_curve=True)
    ready = prepare(study, tmp_path, None, False, "cpu")
    assert run(ready, Session(in_process.run, Shares({}, {}), "cpu", None, "test")) == 0
    rows = {row["role"]: row for row in read_rows(ready.folder)}
    first, second = (left[rows[role]["key"]] for role in ("pretraining", "search"))
    assert not list(ready.folder.glob("checkpoints/weights/*")), "nobody needs them any more"
    blocks = [name for name in first if name.startswith("blocks.") and name.endswith("weight")]
    assert len(blocks) == 16
    assert all(torch.allclose(first[name], second[name], atol=1e-6) for name in blocks)
    assert rows["pretraining"]["settings"]["data"][LEFT_OUT] is True
    assert all("test_accuracy" in point for row in rows.values() if row["kind"] != "score" for point in row["curve"])


def test_left_out_images_must_be_there(tmp_path):
    study = tiny(data={"name": "digits", "image_size": 32}, search=PRETRAINED)
    with pytest.raises(BadInput, match=re.escape("recipe.pretrained = 'left-out' needs data.train_images")):
        prepare(study, tmp_path, None, False, "cpu")
