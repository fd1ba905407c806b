"""Whatever a command is given, it ends with a status and a line, and leaves alone what is not its results folder."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from odd import odd_inputs
from odd.odd_inputs import Case, cases

CASES = 100
SHARE = 25  # one case in so many is a process of its own


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return odd_inputs.base(tmp_path_factory.mktemp("base"))


def tried(case: Case, base: Path, place: Path, number: int) -> None:
    odd_inputs.prepared(case, base, place)
    before = odd_inputs.look(place / "neighbour")
    answered = odd_inputs.real(case, place) if number % SHARE == 1 else odd_inputs.answer(case, place)
    assert not odd_inputs.fault(*answered), answered
    assert odd_inputs.look(place / "neighbour") == before or "neighbour" in "".join(case.words)


def drive(base: Path, tmp_path_factory: pytest.TempPathFactory, count: int) -> None:
    numbers = iter(range(10**9))
    quiet = settings(max_examples=count, deadline=None, database=None, derandomize=True,
                     suppress_health_check=list(HealthCheck))  # fmt: skip

    @quiet
    @given(cases())
    def every(case: Case) -> None:
        tried(case, base, tmp_path_factory.mktemp("case"), next(numbers))

    every()


@pytest.mark.long
def test_a_hundred_odd_inputs(base: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    drive(base, tmp_path_factory, CASES)
