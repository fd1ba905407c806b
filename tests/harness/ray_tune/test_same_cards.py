"""Before a run on GPUs it is said where they are of several kinds, or others than those of the study's rows."""

from pathlib import Path
from typing import Any

import pytest

from harness.engine import cards as cards_module
from harness.ray_tune import same_cards
from harness.ray_tune.nodes import Ask

H100, T4 = {"cards": ["H100", "H100"], "bf16": True}, {"cards": ["T4"], "bf16": False}
SILENT: tuple[Any, ...] = (None, {"error": "no driver"})


def answers(*seen: Any) -> Ask:
    return lambda look: dict(zip("abcd", seen, strict=False))


def row(hardware: str | None, device: str = "cuda") -> dict[str, Any]:
    return {"device": device, "hardware": hardware}


@pytest.mark.parametrize(("seen", "rows"), [((H100, H100), []), ((H100, *SILENT), [row("H100")]), (SILENT, [row("T4")]),
                                            ((H100,), [row("H100 MIG 1g.10gb"), row(None), row("EPYC", "cpu")]),
                                            ((), [])])  # fmt: skip
def test_nothing_is_said_of_gpus_of_one_kind(seen: Any, rows: Any, capsys: pytest.CaptureFixture[str]) -> None:
    same_cards.warn(answers(*seen), rows)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("seen", [(H100, T4), (T4, *SILENT, H100), ({"cards": ["T4", "H100"]},)])
def test_nodes_with_different_gpus_are_said(seen: Any, capsys: pytest.CaptureFixture[str]) -> None:
    same_cards.warn(answers(*seen), [row("H100"), row("T4")])
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "the nodes have different GPUs (H100, T4): times cannot be compared" in said


def test_a_study_that_goes_on_on_other_gpus_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    same_cards.warn(answers(H100), [row("T4"), row("A100"), row("H100")])
    assert "come from other GPUs (A100, T4) than there are now (H100)" in capsys.readouterr().err


def test_a_machine_says_what_its_driver_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = tmp_path / "nvidia-smi"
    command.write_text("#!/bin/sh\necho 'NVIDIA H100, 9.0'; echo 'Tesla T4, 7.5'\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert same_cards.look() == {"cards": ["NVIDIA H100", "Tesla T4"], "bf16": False}
    command.write_text("#!/bin/sh\nexit 9\n")
    assert "nvidia-smi does not say" in same_cards.look()["error"]
    monkeypatch.setattr(cards_module, "QUERY", ("no-such-command",))
    assert "no-such-command" in same_cards.look()["error"]
