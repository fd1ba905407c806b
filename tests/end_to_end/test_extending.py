"""What comes from outside: the example as a package of its own; rules, strategies, data sets by name; their faults."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from PIL import Image

from harness.data import datasets
from harness.errors import BadInput
from harness.plan.strategies import Found, score
from harness.run import in_process
from harness.run.admission import Shares
from harness.run.prepare import prepare
from harness.run.session import Session, run
from harness.storage.rows import latest_rows, read_rows
from spaces import custom_rules
from spaces.architecture import Shortcuts
from spaces.registry import load
from spaces.shortcuts.space import ShortcutSpace
from spaces.shortcuts.supernet import ShortcutSupernet
from spaces.shortcuts.vgg import blocks
from tests.studies import TINY, tiny

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "far-shortcuts"


# --- the example


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The environment of someone who has installed nas-harness and the example."""
    source, target = tmp_path_factory.mktemp("source") / "example", tmp_path_factory.mktemp("site")
    shutil.copytree(EXAMPLE, source, ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--disable-pip-version-check", "--target", target, source], check=True, timeout=120)
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (target, ROOT)))}


def harness(environment, folder, *arguments, code=0):
    done = subprocess.run([sys.executable, "-m", "harness", *map(str, arguments)], capture_output=True, text=True,
                          env=environment, cwd=folder, timeout=300)  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done


@pytest.mark.training
def test_the_example_keeps_the_contract(installed, tmp_path):
    said = harness(installed, tmp_path, "check", "far_shortcuts:FarShortcuts", "--option", "width=0.0625").stdout
    assert "far_shortcuts:FarShortcuts: the contract holds" in said


@pytest.mark.training
def test_the_examples_study_runs(installed, tmp_path):
    harness(installed, tmp_path, "run", EXAMPLE / "study.toml", "--executor", "in-process", "--set", "seeds.search=1")
    rows = [json.loads(line) for line in (tmp_path / "results/far-shortcuts/trials.jsonl").read_text().splitlines()]
    assert {row["status"] for row in rows} == {"done"}
    trained = {row["method"]: row for row in rows if row["kind"] == "train"}
    assert trained.keys() == {"darts-strongest@2", "random-strongest@2", "climbing", "baseline"}
    assert trained["darts-strongest@2"]["shortcuts"] == trained["random-strongest@2"]["shortcuts"] == 3
    pairs = [pair for row in trained.values() for pair in Shortcuts.parse(row["architecture"]).pairs]
    assert pairs
    assert all(k - i >= 4 for i, k in pairs)
    scores = {row["settings"]["source"]["index"]: row for row in rows if row["kind"] == "score"}
    best = max(scores.values(), key=lambda row: (row["val_accuracy"], -row["settings"]["source"]["index"]))
    assert trained["climbing"]["architecture"] == best["architecture"]


def test_the_page_shows_the_example_as_it_is():
    blocks = re.findall(r"```(?:python|toml)\n(.*?)```", (ROOT / "docs" / "extending.md").read_text(), re.DOTALL)
    assert (EXAMPLE / "far_shortcuts.py").read_text() in blocks
    shown = [block for block in blocks if "[[method]]" in block]
    assert shown[0] in (EXAMPLE / "study.toml").read_text()


# --- spaces


class Silent(ShortcutSupernet):
    """Says that its gates are independent, and has no name of a gate."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        del self.gate


class Bare(ShortcutSpace):
    """Not hashable, as a dataclass that is not frozen."""

    __hash__ = None

    def supernet(self, classes, channels, gate):
        return Silent(blocks(self.vgg, self.width), self.pairs, classes, channels, gate)


@pytest.mark.training
def test_a_space_may_be_unhashable_and_its_supernet_without_a_gate(tmp_path):
    few, parents = {"score": "macs", "candidates": 5, "lag": 1}, {"population": 2}
    names = {"regularised-evolution": parents, "local-search": {}, "nsga2": parents}
    searches = [{"name": name, "rule": "B", "strategy": name, "search": few | more} for name, more in names.items()]
    options = {"vgg": "vgg11", "width": 0.0625}
    ready = prepared(tmp_path, space="tests.end_to_end.test_extending:Bare", space_options=options,
                     method=[{"name": "darts", "rule": "A"}, *searches])  # fmt: skip
    run(ready, Session(in_process.run, Shares({}, {}), "cpu", None, "test"))
    assert {row["status"]: row["error"] for row in read_rows(ready.folder)} == {"done": None}


# --- rules and strategies


def first_pair(space, alpha):
    return Shortcuts(space.vgg, space.pairs[:1])


def drawn_pairs(space, alpha):
    return Shortcuts(space.vgg, space.pairs[:2])


drawn_pairs.draws = "B"
not_a_function = 3


def test_a_rule_is_one_of_the_spaces_or_a_function():
    space = load("shortcut-vgg11")
    alpha = {"pairs": np.zeros((8, 8))}
    assert custom_rules.read(space, alpha, "tests.end_to_end.test_extending:first_pair").pairs == ((1, 3),)
    assert custom_rules.read(space, {"pairs": np.ones((8, 8))}, "A").shortcuts == 21
    assert custom_rules.drawn_by(space, "tests.end_to_end.test_extending:drawn_pairs") == "B"
    assert custom_rules.drawn_by(space, "A") == "A"
    with pytest.raises(ValueError, match=r"does not say how to sample; set first_pair\.draws to one of A, B"):
        custom_rules.drawn_by(space, "tests.end_to_end.test_extending:first_pair")


def leaves(ask):
    sys.exit(0)


def texts(ask):
    yield "a text"


def idle(ask):
    return []


def prepared(tmp_path, **changes):
    return prepare(tiny(seeds={"search": 1}, **changes), tmp_path, None, False, "cpu")


@pytest.mark.parametrize(
    ("method", "says"),
    [
        ({"rule": "C"}, "method 'm': rule 'C' is unknown; this space has A, B"),
        ({"rule": "nowhere:rule"}, "cannot be imported"),
        ({"rule": "tests.end_to_end.test_extending:not_a_function"}, "is no function"),
        ({"rule": "tests.end_to_end.test_extending:first_pair", "twins": 1}, "first_pair.draws"),
        ({"rule": "tests.end_to_end.test_extending:first_pair", "strategy": "random"}, "first_pair.draws"),
        ({"rule": "tests.end_to_end.test_extending:first_pair", "strategy": "evolution"}, "first_pair.draws"),
        ({"strategy": "nowhere:climb"}, "cannot be imported"),
        ({"strategy": "climb"}, "search.strategy 'climb' is unknown"),
        ({"strategy": "tests.end_to_end.test_extending:leaves"}, "fails before anything starts: SystemExit: 0"),
        ({"strategy": "tests.end_to_end.test_extending:texts"}, "plans a str; it must yield harness.extend.Found"),
        ({"strategy": "tests.end_to_end.test_extending:idle"}, "plans nothing; it must yield harness.extend.Found"),
    ],
    ids=str,
)
def test_faults_are_found_before_anything_runs(tmp_path, method, says):
    with pytest.raises(BadInput, match=re.escape(says)):
        prepared(tmp_path, method=[{"name": "m", **method}])


@pytest.mark.training
def test_a_rule_from_outside_draws_by_the_rule_that_it_names(tmp_path):
    ready = prepared(tmp_path, method=[
        {"name": "read", "rule": "tests.end_to_end.test_extending:drawn_pairs", "twins": 1},
        {"name": "drawn", "rule": "tests.end_to_end.test_extending:drawn_pairs", "strategy": "random"},
        {"name": "ga", "rule": "tests.end_to_end.test_extending:drawn_pairs", "strategy": "evolution",
         "search": {"candidates": 3, "population": 2, "lag": 1, "score_epochs": 1}},
    ])  # fmt: skip
    assert run(ready, Session(in_process.run, Shares({}, {}), "cpu", None, "test")) == 0
    rows = latest_rows(ready.folder).values()
    assert {row["architecture"] for row in rows if row["method"] == "read@1"} == {"vgg11 1-3 1-4"}
    for row in rows:
        if row["kind"] != "search" and not row["method"].startswith("read"):
            targets = [target for _, target in Shortcuts.parse(row["architecture"]).pairs]
            assert len(targets) == len(set(targets)), "rule B has one source a block at most"
    twins = [row for row in rows if row["role"] == "twin"]
    assert twins
    assert all(row["shortcuts"] == 2 for row in twins)


def gives_up(space, alpha):
    sys.exit(0)


@pytest.mark.training
def test_code_from_outside_that_ends_the_process_is_a_trial_s_failure(tmp_path):
    methods = [{"name": "read", "rule": "tests.end_to_end.test_extending:gives_up"}, {"name": "baseline"}]
    ready = prepared(tmp_path, method=methods)
    assert run(ready, Session(in_process.run, Shares({}, {}), "cpu", None, "test")) == 2
    found = {row["method"]: row for row in read_rows(ready.folder)}
    assert (found["read@1"]["status"], found["read@1"]["error"]) == ("failed", "SystemExit: 0")
    assert found["baseline"]["status"] == "done"


def stubborn(ask):
    key = score(ask, {"propose": "tests.end_to_end.test_extending:nothing", "index": 0, "seen": []})
    yield Found(ask.method, {"best": [key]}, (key,), ask.rule)


def nothing(source, seen, space, rng):
    assert isinstance(rng, Random)
    raise KeyError("no idea")


@pytest.mark.training
def test_a_strategy_that_fails_is_a_row_and_not_the_end(tmp_path):
    methods = [{"name": "stubborn", "strategy": "tests.end_to_end.test_extending:stubborn"}, {"name": "baseline"}]
    ready = prepared(tmp_path, method=methods)
    assert run(ready, Session(in_process.run, Shares({}, {}), "cpu", None, "test")) == 2
    found = {row["method"] + row["kind"]: row for row in read_rows(ready.folder)}
    assert found["stubbornscore"]["status"] == "failed"
    assert "KeyError: 'no idea'" in found["stubbornscore"]["error"]
    assert "stubborntrain" not in found, "it waits for a score"
    assert found["baselinetrain"]["status"] == "done"


# --- data sets


def images(folder, sizes, classes=("cat", "dog"), parts=("train", "test")):
    """Images in class order, cats dark and dogs bright."""
    rng = np.random.default_rng(0)
    for part in parts:
        for label, name in enumerate(classes):
            (folder / part / name).mkdir(parents=True)
            for number, (height, width) in enumerate(sizes):
                pixels = rng.integers(100 * label, 100 * label + 50, (height, width, 3)).astype(np.uint8)
                Image.fromarray(pixels).save(folder / part / name / f"{number}.png")


def test_a_folder_of_images_of_any_size(tmp_path):
    images(tmp_path / "pets", [(8, 12), (16, 10), (9, 9), (20, 20)] * 3)
    loaded = datasets.load({"name": "folder:pets", "image_size": 16}, tmp_path)
    assert loaded.train.images.shape == (24, 3, 16, 16)
    assert (loaded.classes, loaded.channels, loaded.size) == (2, 3, 16)
    bright = loaded.train.images.float().mean((1, 2, 3)) > 75
    assert torch.equal(bright.long(), loaded.train.labels)
    assert loaded.train.labels.tolist() != sorted(loaded.train.labels.tolist()), "nothing lies in order of class"
    assert loaded.mean == pytest.approx((loaded.train.images.double() / 255).mean((0, 2, 3)).tolist())
    again = datasets.load({"name": "folder", "image_size": 16}, tmp_path / "pets")
    assert torch.equal(again.train.images, loaded.train.images)


@pytest.mark.training
def test_a_study_on_a_folder_of_images(tmp_path):
    images(tmp_path / "pets", [(32, 32)] * 16)
    study = tiny(data={"name": "folder:pets"}, seeds={"search": 1}, method=[{"name": "baseline"}])
    ready = prepare(study, tmp_path / "results", tmp_path, False, "cpu")
    assert run(ready, Session(in_process.run, Shares({}, {}), "cpu", tmp_path, "test")) == 0
    (row,) = read_rows(ready.folder)
    assert row["status"] == "done"


def fashion(root, size=28):
    """FashionMNIST's files with a handful of images in them."""
    folder = root / "FashionMNIST" / "raw"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name, count in (("train", 30), ("t10k", 10)):
        head = np.array([0x803, count, size, size], ">i4").tobytes()
        pixels = rng.integers(0, 256, (count, size, size)).astype(np.uint8)
        (folder / f"{name}-images-idx3-ubyte").write_bytes(head + pixels.tobytes())
        labels = (np.arange(count) % 10).astype(np.uint8)
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(np.array([0x801, count], ">i4").tobytes() + labels.tobytes())


def test_any_torchvision_data_set(tmp_path):
    fashion(tmp_path)
    loaded = datasets.load({"name": "torchvision:FashionMNIST", "train_images": 20}, tmp_path)
    assert loaded.train.images.shape == (20, 1, 28, 28)
    assert len(loaded.test) == 10
    assert loaded.classes == 10


@pytest.mark.parametrize(
    ("name", "make", "says"),
    [
        ("folder", lambda root: None, "needs train/CLASS/ and test/CLASS/"),
        ("folder", lambda root: images(root, [(8, 8)], parts=("train",)), "needs train/CLASS/ and test/CLASS/"),
        ("folder", lambda root: images(root, [(8, 8), (9, 9)]), "not square; set data.image_size"),
        ("folder", lambda root: images(root, [(8, 9)]), "not square; set data.image_size"),
        ("folder", lambda root: [images(root, [(8, 8)], classes, [part]) for classes, part in
                                 ((("cat",), "train"), (("dog",), "test"))], "hold different classes"),
        ("torchvision:Fashion", lambda root: None, "torchvision.datasets has no such data set"),
        ("torchvision:FashionMNIST", lambda root: None, "add --download to fetch it there"),
        ("torchvision:EuroSAT", lambda root: None, "comes in one part"),
        ("nowhere:data", lambda root: None, "cannot be imported"),
        ("mnist", lambda root: None, "there are digits, cifar10, torchvision:NAME, folder"),
    ],
    ids=lambda value: "" if callable(value) else value,
)  # fmt: skip
def test_data_that_are_not_there_or_do_not_fit(tmp_path, name, make, says):
    make(tmp_path)
    with pytest.raises(BadInput, match=re.escape(says)):
        datasets.load({"name": name}, tmp_path)


def test_outside_data_need_a_root():
    with pytest.raises(BadInput, match="folder needs --data-root"):
        datasets.load({"name": "folder"}, None)


def test_images_too_small_for_the_space_are_refused(tmp_path):
    with pytest.raises(
        BadInput, match=re.escape("images of 8×8 are too small for shortcut-vgg11; set data.image_size")
    ):
        prepare(tiny(data={**TINY["data"], "image_size": None}), tmp_path, None, False, "cpu")
