"""Files cut into pieces: joined and checked by hash, and refused in one line that names what is wrong."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from made_for_kits import batch

from gpu_kit import pieces, unpack
from gpu_kit.images import coded

CONTENT = bytes(range(256)) * 40  # 10,240 bytes
LIMIT = 3000


def kit(folder: Path, python: str = unpack.HERE) -> Path:
    """One with a file of code, a wheel, and a file of data, in pieces of 3,000 bytes."""
    folder.mkdir()
    (folder / "parts" / "code" / "gpu_kit").mkdir(parents=True)
    (folder / "parts" / "code" / "code.bin").write_bytes(CONTENT)
    (folder / "parts" / "test_batch.coded").write_bytes(coded(batch(3)))
    with zipfile.ZipFile(folder / "parts" / "some-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("some/__init__.py", "here = True\n")
    inside = {unpack.CODE: ("code/code.bin", "code.bin"), unpack.DATA: ("test_batch.coded",) * 2,
              unpack.WHEELS: ("some-1-py3-none-any.whl",) * 2}  # fmt: skip
    packs = []
    for name, (path, inner) in inside.items():
        with tarfile.open(folder / name, "w:xz" if name.endswith("xz") else "w") as tar:
            tar.add(folder / "parts" / path, inner)
        packs.append(pieces.cut(folder / name, folder, LIMIT))
    pieces.write_manifest(folder, {"commit": "0" * 40, "python": python, "packs": packs})
    return folder


def test_pieces_are_equal_within_the_limit_and_give_the_file(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.write_bytes(CONTENT)
    pack = pieces.cut(whole, tmp_path, LIMIT)
    assert [piece["bytes"] for piece in pack["pieces"]] == [2560] * 4
    assert [piece["name"] for piece in pack["pieces"]] == ["whole.00", "whole.01", "whole.02", "whole.03"]
    assert not whole.exists()
    unpack.check(tmp_path, [pack])
    (tmp_path / "joined").mkdir()
    assert unpack.joined(tmp_path, pack, tmp_path / "joined").read_bytes() == CONTENT


@pytest.mark.parametrize(("size", "count"), [(0, 1), (1, 1), (2999, 1), (3000, 1), (3001, 2), (9000, 3)])
def test_number_of_pieces(tmp_path: Path, size: int, count: int) -> None:
    (tmp_path / "whole").write_bytes(CONTENT[:size])
    pack = pieces.cut(tmp_path / "whole", tmp_path, LIMIT)
    assert len(pack["pieces"]) == count
    assert sum(piece["bytes"] for piece in pack["pieces"]) == size
    assert all(piece["bytes"] <= LIMIT for piece in pack["pieces"])


def test_a_kit_is_unpacked(tmp_path: Path) -> None:
    unpack.unpack(kit(tmp_path / "kit"), tmp_path / "there")
    assert (tmp_path / "there" / "code.bin").read_bytes() == CONTENT
    assert (tmp_path / "there" / "build" / "site" / "some" / "__init__.py").read_text() == "here = True\n"
    assert (tmp_path / "there" / "build" / "data" / "cifar-10-batches-py" / "test_batch").read_bytes() == batch(3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kit", "there"]


def fault(kit: Path, folder: Path) -> str:
    """What unpacking says; nothing may be left then."""
    with pytest.raises(unpack.Unusable) as caught:
        unpack.unpack(kit, folder)
    said = str(caught.value)
    assert "\n" not in said
    assert not [path for path in folder.parent.iterdir() if path not in (kit, folder)]
    return said


def test_missing_pieces_are_all_named(tmp_path: Path) -> None:
    made = kit(tmp_path / "kit")
    (made / "data.tar.01").unlink()
    (made / "code.tar.xz.00").unlink()
    assert "lacks code.tar.xz.00, data.tar.01;" in fault(made, tmp_path / "there")
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize("change", [lambda old: old[:-1], lambda old: old[:5] + bytes([old[5] ^ 1]) + old[6:]])
def test_a_damaged_piece_is_named(tmp_path: Path, change) -> None:
    made = kit(tmp_path / "kit")
    piece = made / "data.tar.01"
    piece.write_bytes(change(piece.read_bytes()))
    assert "data.tar.01 has not the SHA-256 of the manifest" in fault(made, tmp_path / "there")


def test_pieces_of_another_kit_do_not_join(tmp_path: Path) -> None:
    made = kit(tmp_path / "kit")
    packs = unpack.manifest(made)["packs"]
    packs[1]["pieces"].reverse()
    pieces.write_manifest(made, {"python": unpack.HERE, "packs": packs})
    assert "do not give the file that was cut" in fault(made, tmp_path / "there")


@pytest.mark.parametrize(("content", "said"), [(None, "is missing"), ("{", "is damaged"), ("\x80", "is damaged")])
def test_a_manifest_that_is_none(tmp_path: Path, content: str | None, said: str) -> None:
    made = kit(tmp_path / "kit")
    (made / "manifest.json").unlink()
    if content is not None:
        (made / "manifest.json").write_text(content, encoding="latin-1")
    assert said in fault(made, tmp_path / "there")


def test_another_python_is_refused(tmp_path: Path) -> None:
    assert "the wheels are for 3.5" in fault(kit(tmp_path / "kit", python="3.5"), tmp_path / "there")


def test_what_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "mine").touch()
    assert "is there already" in fault(kit(tmp_path / "kit"), tmp_path / "there")
    assert (tmp_path / "there" / "mine").exists()


def test_the_script_needs_nothing_but_python(tmp_path: Path) -> None:
    """Neither packages nor the checkout, where a piece is missing."""
    made = kit(tmp_path / "kit")
    (made / "data.tar.01").unlink()
    script = made / "unpack.py"
    script.write_text(Path(unpack.__file__).read_text())
    command = [sys.executable, "-S", "-I", str(script), str(tmp_path / "there")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, f"gpu-kit: {made} lacks data.tar.01; copy what is missing there\n")
