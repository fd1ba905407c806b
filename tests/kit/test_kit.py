"""From a kit to rows, without a GPU and without a network: packed here, joined and run elsewhere, in parts."""

import subprocess
import sys
from pathlib import Path

import pytest

from harness.storage.rows import latest_rows
from kit import build, run

STUDY = """
name = "packed"
space = "shortcut-vgg11"
task = "harness.training.formula:stand_in"
data = { name = "digits", image_size = 32 }
seeds = { search = 2 }
recipe = { epochs = 2, lr = 1e-6 }
space_options = { width = 0.125 }
method = [{ name = "baseline" }]
"""


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """In several pieces; without wheels, which need a network."""
    there: Path = tmp_path_factory.mktemp("there")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "PIECE", 100_000)
        build.build(there, None, None)
    (there / "study.toml").write_text(STUDY)
    return there


def ran(kit: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-B", str(kit / "run.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=kit, timeout=400, check=False)


def test_pieces_are_small_and_joined_as_they_were(kit: Path, tmp_path: Path) -> None:
    names = sorted(path.name for path in kit.glob("kit.*"))
    assert names[-1] == "kit.json"
    assert len(names) > 2
    inside = run.unpacked(kit, tmp_path)
    assert (inside / "code" / "harness" / "cli.py").read_bytes() == (build.ROOT / "harness" / "cli.py").read_bytes()
    assert (inside / "code" / "harness" / "studies" / f"{run.STUDIES[0]}.toml").is_file()
    assert run.unpacked(kit, tmp_path) == inside


@pytest.mark.parametrize(("change", "said"), [(lambda piece: piece.unlink(), "is missing"),
                                              (lambda piece: piece.write_bytes(b"half"), "is damaged")])  # fmt: skip
def test_a_piece_that_did_not_arrive_is_named(kit: Path, tmp_path: Path, change: object, said: str) -> None:
    for path in kit.glob("kit.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    change(tmp_path / "kit.01")  # type: ignore[operator]
    with pytest.raises(SystemExit, match=rf"kit\.01 {said}; copy it here"):
        run.unpacked(tmp_path, tmp_path / "home")


def test_a_run_whose_time_is_up_is_interrupted() -> None:
    sleeps = [sys.executable, "-c", "import time; time.sleep(300)"]
    assert run.run(sleeps, {}, 0.0) is None
    assert run.run([sys.executable, "-c", "raise SystemExit(7)"], {}, 10.0**9) == 7


@pytest.mark.slow
def test_from_kit_to_rows_in_parts(kit: Path) -> None:
    study = str(kit / "study.toml")
    first = ran(kit, study, "--minutes", "0.5", "--", "--device", "cpu")  # no time is left beside the grace
    assert first.returncode == run.UNFINISHED, first.stderr
    assert "the same command carries on" in first.stdout
    done = ran(kit, study, "--minutes", "9", "--", "--device", "cpu")
    assert done.returncode == 0, done.stderr
    assert [row["status"] for row in latest_rows(kit / "results" / "packed").values()] == ["done"] * 2
