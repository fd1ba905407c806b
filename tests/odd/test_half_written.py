"""A space that its author has not finished is named in one line; `check` says what does not hold of it."""

from pathlib import Path

import pytest

from tests.commands import ended
from tests.driven import STUDY


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Nameless", 'lacks rules: a tuple of texts, as in rules = ("name",)'),
        ("Broken", "fails before anything starts: RuntimeError: later; nas-harness check"),
        ("Unmade", "cannot be made: KeyError: 'later'"),
    ],
)
def test_a_study_of_a_space_that_is_not_done_ends_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, says: str
) -> None:
    space = f"tests.odd.half_written:{name}"
    text = STUDY.replace("shortcut-vgg11", space).replace("space_options = { width = 0.125 }", "")
    (tmp_path / "study.toml").write_text(text)
    assert ended("plan", str(tmp_path / "study.toml"), "--results", str(tmp_path / "results")) == 2
    error = capsys.readouterr().err
    assert space in error
    assert says in error
    assert len(error.strip().splitlines()) == 1


def test_a_space_that_ends_the_process_does_not_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("check", "tests.odd.half_written:Leaving") == 1
    assert "SystemExit: 0" in capsys.readouterr().out


@pytest.mark.parametrize("fault", ["KeyError: 'later'", "OSError: no such disk"])
@pytest.mark.parametrize(
    ("field", "function"),
    [('search.strategy="tests.odd.half_written:{}_planned"', "planned"),
     ('data={{name="tests.odd.half_written:{}_loaded", image_size=32}}', "loaded")],
    ids=["strategy", "data"],
)  # fmt: skip
def test_a_strategy_or_a_loader_that_is_not_done_is_named_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], field: str, function: str, fault: str
) -> None:
    (tmp_path / "study.toml").write_text(STUDY)
    name = "lacking" if fault.startswith("Key") else "lost"
    line = ("plan", str(tmp_path / "study.toml"), "--results", str(tmp_path / "results"), "--set", field.format(name))
    assert ended(*line) == 2
    error = capsys.readouterr().err
    assert f"'tests.odd.half_written:{name}_{function}' fails before anything starts: {fault}" in error
    assert len(error.strip().splitlines()) == 1
