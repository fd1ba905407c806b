"""What a folder from elsewhere holds reaches no terminal as a command; an address where nobody answers no wait."""

import json
import time
from pathlib import Path

import pytest
import rows_factory as factory

from harness.cli import main
from harness.errors import BadInput
from harness.ray_tune import reach


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as end:
        main(words)
    found = capsys.readouterr()
    assert isinstance(end.value.code, int)
    return end.value.code, found.out + found.err


@pytest.mark.parametrize("bad", ["\x1b]0;title\x07", "\x9b31m", "\rall is well", "\u202egnp"])
def test_status_shows_no_escapes_of_names_and_errors(
    bad: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = factory.study(seeds=1, snapshots=[5])
    rows = [{**row, "status": "failed", "error": f"E{bad}", "method": f"m{bad}"} for row in factory.rows(study)]
    folder = factory.write(tmp_path / "made-up", {**study, "name": f"n{bad}"}, rows)
    status, text = said(capsys, "status", str(folder))
    assert status == 0
    assert "failed: m" in text
    assert not set(bad) & set(text) - set(" allisweltgnp]0;31m")
    assert json.dumps(bad)[1:-1] in text or bad.encode("unicode_escape").decode() in text


@pytest.mark.parametrize(
    "address", ["nowhere.invalid:1234", "127.0.0.1:1", "nowhere", "a:99999", "ray://127.0.0.1:10001"]
)
def test_an_address_where_nobody_answers_is_refused_before_anything_slow(
    address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, text = said(capsys, "run", "demo", "--address", address)
    assert status == 2
    assert text.startswith(f"nas-harness: --address {address}: ")
    assert text.count("\n") == 1


def test_a_name_that_takes_long_to_look_up_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "SECONDS", 0.1)

    def slow(*_: object) -> None:
        time.sleep(1)
        raise OSError("no such name")

    monkeypatch.setattr("socket.create_connection", slow)
    with pytest.raises(BadInput, match="no answer within"):
        reach.check("somewhere:6379")
