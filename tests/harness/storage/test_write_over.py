"""A file that somebody names for a result is written over where it is such a result, and nowhere else."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from harness.errors import BadInput
from harness.storage.files import write_over

SIGNS = (b"<?xml", b"<svg")


@pytest.mark.parametrize("before", [None, b"", b"<?xml version='1.0'?><svg>old</svg>", b"\n<svg>old</svg>"])
def test_a_new_file_or_an_earlier_result_is_written(tmp_path: Path, before: bytes | None) -> None:
    path = tmp_path / "cell.svg"
    if before is not None:
        path.write_bytes(before)
    write_over(path, b"<svg/>", SIGNS)
    assert path.read_bytes() == b"<svg/>"


@pytest.mark.parametrize("before", [b"name = 'study'\n", b"\x89PNG", b"\0"])
def test_a_file_of_something_else_stays(tmp_path: Path, before: bytes) -> None:
    path = tmp_path / "study.toml"
    path.write_bytes(before)
    with pytest.raises(BadInput, match="has other contents; name another file, or remove it"):
        write_over(path, b"<svg/>", SIGNS)
    assert path.read_bytes() == before


FULL = """
import errno, resource, sys
from pathlib import Path
from harness.storage.files import write_over
resource.setrlimit(resource.RLIMIT_FSIZE, (5, 5))
try:
    write_over(Path(sys.argv[1]), b"<svg>a longer one</svg>", (b"<svg",))
except OSError as error:
    print(error.errno == errno.EFBIG, error.filename == sys.argv[1])  # which this test has in place of ENOSPC
"""


@pytest.mark.parametrize("before", [None, b"<svg>old</svg>"])
def test_a_full_disk_leaves_what_was_there(tmp_path: Path, before: bytes | None) -> None:
    path = tmp_path / "cell.svg"
    if before is not None:
        path.write_bytes(before)
    said = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=True,
                          cwd=Path(__file__).parents[3])  # fmt: skip
    assert said.stdout == "True True\n"
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == ({"cell.svg": before} if before else {})


def test_a_link_and_permissions_stay(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    target, path = tmp_path / "there" / "own.svg", tmp_path / "cell.svg"
    path.symlink_to(target)
    for content in (b"<svg>1</svg>", b"<svg>2</svg>"):
        write_over(path, content, SIGNS)
        assert path.is_symlink()
        assert target.read_bytes() == content
        target.chmod(0o640)
    assert target.stat().st_mode & 0o777 == 0o640


def test_what_the_output_goes_into_is_written_on(tmp_path: Path) -> None:
    """As by `--svg /dev/stdout > cell.svg`: the shell goes on in that very file."""
    code = ("import sys; from pathlib import Path; from harness.storage.files import write_over; "
            "write_over(Path('/dev/stdout'), b'<svg/>\\n', (b'<svg',)); print('more')")  # fmt: skip
    with open(tmp_path / "out", "ab") as out:
        subprocess.run([sys.executable, "-c", code], stdout=out, check=True, cwd=Path(__file__).parents[3])
    assert (tmp_path / "out").read_text() == "<svg/>\nmore\n"


def test_a_name_may_be_as_long_as_a_file_s(tmp_path: Path) -> None:
    path = tmp_path / f"{'é' * 125}.svg"
    write_over(path, b"<svg/>", SIGNS)
    assert path.read_bytes() == b"<svg/>"


NOBODY = 65534


@contextmanager
def not_as_root() -> Iterator[None]:
    """Root may write everywhere."""
    before = os.geteuid()
    os.seteuid(before or NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)


def test_what_may_not_be_written_stays() -> None:
    with TemporaryDirectory() as folder:  # pytest's own folders are closed to others
        os.chmod(folder, 0o777)
        path = Path(folder, "cell.svg")
        path.write_bytes(b"<svg/>")
        path.chmod(0o444)
        with not_as_root(), pytest.raises(PermissionError):
            write_over(path, b"<svg>2</svg>", SIGNS)
        assert path.read_bytes() == b"<svg/>"
