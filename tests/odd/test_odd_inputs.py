"""Whatever a command is given, it ends with a status and a line, and leaves alone what is not its results folder."""

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from odd import answers
from odd.odd_inputs import Case, cases


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return answers.base(tmp_path_factory.mktemp("base"))


def tried(case: Case, base: Path, place: Path, process: bool) -> None:
    answers.prepared(case, base, place)
    before = answers.look(place / "neighbour")
    answered = answers.real(case, place) if process else answers.answer(case, place)
    assert not answers.fault(*answered), answered
    assert answers.look(place / "neighbour") == before or "neighbour" in "".join(case.words)


def drive(base: Path, tmp_path_factory: pytest.TempPathFactory, count: int, share: int) -> None:
    """`count` cases, the same in every run; one in `share` is a process of its own."""
    numbers = iter(range(10**9))

    @settings(max_examples=count, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(cases())
    def every(case: Case) -> None:
        place = tmp_path_factory.mktemp("case")
        tried(case, base, place, next(numbers) % share == 1)
        shutil.rmtree(place)

    every()


@pytest.mark.long
def test_a_hundred_odd_inputs(base: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    drive(base, tmp_path_factory, 100, 25)


@pytest.mark.slow
@pytest.mark.timeout(1800)  # six minutes on two cores of their own
def test_two_thousand_odd_inputs(base: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    drive(base, tmp_path_factory, 2000, 100)
