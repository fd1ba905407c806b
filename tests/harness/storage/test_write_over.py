"""A file that somebody names for a result is written over where it is such a result, and nowhere else."""

from pathlib import Path

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
    with pytest.raises(BadInput, match="holds something else; name another file, or remove it"):
        write_over(path, b"<svg/>", SIGNS)
    assert path.read_bytes() == before
