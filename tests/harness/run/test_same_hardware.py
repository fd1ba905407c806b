"""Before a run it is said where processors or GPUs are of several kinds, others than those of the study's rows, or
emulate the recipe's bf16."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.engine import gpus as cards_module
from harness.run import same_hardware
from harness.run.same_hardware import notes
from tests import started
from tests.driven import STUDY

H100, T4 = {"kinds": {"H100": True}}, {"kinds": {"T4": False}}
ZEN4, ZEN3 = {"kinds": {"EPYC (avx512_bf16)": True}}, {"kinds": {"EPYC (avx2)": False}}


def rows(*found: str | None, device: str = "cuda") -> dict[str, Any]:
    return {str(number): {"device": device, "hardware": hardware} for number, hardware in enumerate(found)}


@pytest.mark.parametrize(
    ("seen", "device", "before"),
    [
        ([H100, H100], "cuda", {}),
        ([H100], "cuda", rows("H100 MIG 1g.10gb", None)),
        ([H100], "cuda", rows("EPYC", device="cpu")),
        ([], "cuda", rows("T4")),
        ([ZEN3], "cpu", rows("EPYC (avx2)", None, device="cpu")),
        ([ZEN3], "cpu", rows("T4")),
        ([ZEN3], "cpu", {"of an older version": {"device": "cpu"}}),
    ],
)
def test_nothing_is_said_of_one_kind(seen: Any, device: str, before: Any) -> None:
    assert list(notes(seen, device, before, {"fp32"})) == []


@pytest.mark.parametrize(
    ("seen", "device", "words"),
    [
        ([H100, T4], "cuda", "the nodes have different GPUs (H100, T4): times cannot be compared"),
        ([{"kinds": {"T4": False, "H100": True}}], "cuda", "the nodes have different GPUs (H100, T4)"),
        ([ZEN3, ZEN4], "cpu", "the nodes have different processors (EPYC (avx2), EPYC (avx512_bf16))"),
    ],
)
def test_different_nodes_are_said(seen: Any, device: str, words: str) -> None:
    (said,) = notes(seen, device, {}, {"fp32"})
    assert said.startswith(words)


@pytest.mark.parametrize(
    ("seen", "before", "words"),
    [
        (
            H100,
            rows("T4", "A100", "H100", device="cuda:1"),
            "come from other GPUs (A100, T4) than now (H100)",
        ),
        (
            ZEN3,
            rows("EPYC (avx512_bf16)", device="cpu"),
            "other processors (EPYC (avx512_bf16)) than now",
        ),
    ],
)
def test_a_study_that_goes_on_elsewhere_says_so(seen: Any, before: Any, words: str) -> None:
    (said,) = notes([seen], before["0"]["device"], before, {"fp32"})
    assert words in said


@pytest.mark.parametrize(("seen", "device"), [([ZEN4, ZEN3], "cpu"), ([H100, T4], "cuda")])
def test_emulated_bf16_is_said(seen: Any, device: str) -> None:
    *_, said = notes(seen, device, {}, {"bf16", "fp32"})
    (slow,) = seen[1]["kinds"]
    assert said.startswith(f'recipe.precision = "bf16" is emulated here ({slow}), several times slower than fp32')
    assert "emulated" not in "".join(notes(seen[:1], device, {}, {"bf16"}))


def test_a_machine_says_what_its_driver_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = tmp_path / "nvidia-smi"
    command.write_text("#!/bin/sh\necho 'NVIDIA H100, 9.0'; echo 'Tesla T4, 7.5'\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert same_hardware.look_at_cards() == {"kinds": {"NVIDIA H100": True, "Tesla T4": False}}
    command.write_text("#!/bin/sh\nexit 9\n")
    assert "nvidia-smi does not say" in same_hardware.look_at_cards()["error"]
    monkeypatch.setattr(cards_module, "QUERY", ("no-such-command",))
    assert "no-such-command" in same_hardware.look_at_cards()["error"]


def command(folder: Path, *words: str) -> str:
    """What `nas-harness` says on stderr of the driven study."""
    name, *more = words
    done = started.harness(name, folder / "study.toml", "--results", folder, "--device", "cpu", *more)
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.long
@pytest.mark.parametrize("executor", ["in-process", pytest.param("ray", marks=pytest.mark.ray)])
def test_a_run_on_another_processor_than_before_says_so(executor: str, tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(STUDY)
    run, book = ("run", "--executor", executor), tmp_path / "driven" / "trials.jsonl"
    assert "other processors" not in command(tmp_path, *run)
    changed = [{**json.loads(line), "hardware": "Abacus (avx2)"} for line in book.read_text().splitlines()]
    book.write_text("".join(json.dumps(row) + "\n" for row in changed))
    assert "other processors" not in command(tmp_path, *run), "nothing is left to run"
    said = command(tmp_path, *run, "--set", "seeds.search=2")
    assert "rows of this study come from other processors (Abacus (avx2)) than now" in said


@pytest.mark.training
def test_a_plan_says_where_bf16_is_emulated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "study.toml").write_text(STUDY.replace("lr = 1e-6", 'lr = 1e-6, precision = "bf16"'))
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    assert 'recipe.precision = "bf16" is emulated here' in command(tmp_path, "plan")
