"""Whatever bytes stand in a file that people bring: a right reading or one clear line, and no folder is changed.

Each reader is given random bytes, and valid files that are cut or changed here and there.
"""

import hashlib
import io
import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import rows_factory as factory
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from analysis.findings.published import beside
from analysis.results.protocol_view import Damaged
from analysis.results.rows import load
from analysis.results.table import Line, lines
from harness.cli import main
from harness.data import datasets
from harness.errors import BadInput
from harness.plan.methods import merged
from harness.run.prepare import open_space
from harness.storage.checkpoint import Checkpoints, packed
from harness.study.load import load_study
from tests.driven import STUDY, ran

THETA = (Path(__file__).parents[1] / "data" / "cell_theta.csv").read_bytes()
PAIRS = ("[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('skip_connect', 0), ('max_pool_3x3', 1), ('skip_connect', 0), "
         "('sep_conv_3x3', 1), ('avg_pool_3x3', 0), ('dil_conv_3x3', 2)]")  # fmt: skip
GENOTYPE = f"V1 = Genotype({PAIRS}, range(2, 6), reduce={PAIRS}, reduce_concat=range(2, 6))\n".encode()
EDGES = ",".join(f"0>{target}:skip_connect" for target in range(2, 6))
PUBLISHED = "method;search_epochs;test_accuracy\nA;2;93.70 ± 0.22\nbaseline;;93.03 ± 0.10%\n".encode()
TUNED = (
    STUDY.encode() + b'[[tuning]]\nname = "t"\ntrials = 2\nranges = { lr = { low = 0.1, high = 0.2, step = 0.05 } }\n'
)
FORMATS = ("png", "jpg", "tif", "bmp", "ppm", "webp")


@contextmanager
def quiet() -> Iterator[io.StringIO]:
    """What is said as an error."""
    said = io.StringIO()
    with redirect_stdout(io.StringIO()), redirect_stderr(said), warnings.catch_warnings():
        warnings.simplefilter("error")
        yield said


def looks(folder: Path) -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


def commanded(*words: object) -> str:
    """What is said where the command ends with 2, in one line; nothing below the folders that it names is changed."""
    folders = [Path(str(word)) for word in words if Path(str(word)).is_dir()]
    before = [looks(folder) for folder in folders]
    with quiet() as said, pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    assert end.value.code in (None, 0, 2), said.getvalue()
    lines_ = said.getvalue().splitlines()
    assert "Traceback" not in said.getvalue()
    assert not end.value.code or (len(lines_) == 1 and lines_[0].startswith("nas-harness: ")), lines_
    assert [looks(folder) for folder in folders] == before
    return said.getvalue() if end.value.code else ""


def refused(read: Callable[[], object]) -> str:
    """What is said where `read` refuses, in one line; '' where it reads."""
    try:
        with quiet():
            read()
    except (BadInput, Damaged) as error:
        said = str(error)
    else:
        return ""
    assert said
    assert len(said.splitlines()) == 1
    assert len(said) < 1000
    return said


@dataclass
class Place:
    """A finished study's folder, and files to write beside it."""

    root: Path
    results: Path
    images: Path
    table: list[Line]

    def written(self, content: bytes, name: str) -> Path:
        (self.root / name).write_bytes(content)
        return self.root / name


def study(content: bytes, place: Place) -> str:
    path = place.written(content, "study.toml")

    def read() -> None:
        found = load_study(str(path))
        merged(found)
        open_space(found)

    return refused(read)


def theta(content: bytes, place: Place) -> str:
    return commanded("decode", place.written(content, "theta.csv"), "--space", "cell-study1")


def genotype(content: bytes, place: Place) -> str:
    small = ("--option", "train_cells=2", "--option", "train_channels=4")
    return commanded("decode", place.written(content, "genotypes.py"), "--space", "cell-darts", *small)


def published(content: bytes, place: Place) -> str:
    path = place.written(content, "published.csv")
    said = refused(lambda: beside(place.table, path))
    return commanded("report", place.results, "--published", path) if said else ""


def of_folder(name: str) -> Callable[[bytes, Place], str]:
    def read(content: bytes, place: Place) -> str:
        path = place.results / name
        before = path.read_bytes()
        try:
            path.write_bytes(content)
            return commanded("status", place.results)
        finally:
            path.write_bytes(before)

    return read


def checkpoint(content: bytes, place: Place) -> str:
    """Also where its digest is right: whoever wrote it is not known."""
    folder = place.root / "checkpoint"
    folder.mkdir(exist_ok=True)
    for whole in (content, hashlib.sha256(content[32:]).digest() + content[32:]):
        (folder / "000001.pt").write_bytes(whole)
        with quiet():
            found = Checkpoints(folder).load()
        if found is not None:
            assert found[0] == 1
            assert isinstance(found[1], dict)
            assert isinstance(Checkpoints(folder).fault(found[1]), str)
    return "" if found else "nothing whole"


def images(content: bytes, place: Place) -> str:
    for path in place.images.glob("train/cat/brought.*"):
        path.unlink()
    (place.images / "train" / "cat" / f"brought.{FORMATS[len(content) % len(FORMATS)]}").write_bytes(content)
    datasets._whole.cache_clear()
    return refused(lambda: datasets.load({"name": "folder", "image_size": 8}, place.images))


def encoded(format_: str) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(buffer, {"jpg": "JPEG", "tif": "TIFF", "ppm": "PPM"}.get(format_, format_.upper()))
    return buffer.getvalue()


Reader = Callable[[bytes, Place], str]
READERS: dict[str, Reader] = {
    "study": study, "theta": theta, "genotype": genotype, "published": published, "rows": of_folder("trials.jsonl"),
    "study.json": of_folder("study.json"), "checkpoint": checkpoint, "images": images,
}  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    root = tmp_path_factory.mktemp("brought")
    ran(root / "made")
    for part in ("train", "test"):
        for name in ("cat", "dog"):
            (root / "images" / part / name).mkdir(parents=True)
            (root / "images" / part / name / "0.png").write_bytes(encoded("png"))
    results = root / "made" / "driven"
    return Place(root, results, root / "images", lines(load(results)))


def valid(place: Place) -> dict[str, list[bytes]]:
    made = factory.study(seeds=2, rules=["A"], snapshots=[5])
    return {
        "study": [TUNED, STUDY.encode()],
        "theta": [THETA, THETA.replace(b",", b";")],
        "genotype": [GENOTYPE, GENOTYPE.replace(b"V1 =", b"03/21 10:12:13 PM genotype ="),
                     f"cells inputs=2 concat=2,3,4,5 normal={EDGES} reduction={EDGES}".encode()],
        "published": [PUBLISHED, PUBLISHED.replace(b";", b"\t"), PUBLISHED.decode().encode("utf-16")],
        "rows": [(place.results / "trials.jsonl").read_bytes()],
        "study.json": [(place.results / "study.json").read_bytes(), json.dumps(made).encode()],
        "checkpoint": [packed({"epoch": 1, "weights": {"a": torch.arange(6.0)}, "curve": [1.5, None, "x"]})],
        "images": [encoded(format_) for format_ in FORMATS],
    }  # fmt: skip


@st.composite
def contents(draw: st.DrawFn, whole: list[bytes]) -> bytes:
    """Random bytes, or a valid file that is cut, or of which pieces are replaced, doubled or taken away."""
    if draw(st.integers(0, 5)) == 0:
        return draw(st.binary(max_size=200))
    found = bytearray(draw(st.sampled_from(whole)))
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(found)))
        end = min(len(found), start + draw(st.sampled_from([0, 1, 1, 2, 8, 40])))
        found[start:end] = draw(st.one_of(st.binary(max_size=4), st.just(bytes(found[start:end]) * 2),
                                          st.sampled_from(PIECES)))  # fmt: skip
    return bytes(found[: draw(st.integers(0, len(found)))] if draw(st.integers(0, 2)) == 0 else found)


PIECES = (b"", b"nan", b"null", b"-1", b"1e400", b"[", b"{", b'"', b"'", b"\n", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf",
          b",", b";", b"0", b"99999999999999999999", b"true", b"\\u0000", "±".encode(), "９".encode())  # fmt: skip


def drive(name: str, place: Place, count: int) -> None:
    @settings(max_examples=count, deadline=None, database=None, derandomize=True,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(contents(valid(place)[name]))
    def every(content: bytes) -> None:
        READERS[name](content, place)

    every()


@pytest.mark.parametrize("name", READERS)
def test_valid_files_are_read(place: Place, name: str) -> None:
    """What is changed elsewhere is read here, so that it is the change that is tried."""
    for content in valid(place)[name]:
        assert READERS[name](content, place) == ""


@pytest.mark.long
@pytest.mark.parametrize("name", READERS)
def test_a_hundred_contents(place: Place, name: str) -> None:
    drive(name, place, 100 // len(READERS) + 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_two_thousand_contents(place: Place, name: str) -> None:
    drive(name, place, 2000 // len(READERS))
