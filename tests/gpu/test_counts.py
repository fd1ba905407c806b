"""What a benchmark counts of a step: a replayed graph shows it nothing, so the same step is counted eagerly."""

import pytest

from benchmarks import floor, search
from tests.gpu.pretended import pretended
from tests.gpu.works import GRAPHS, searching

pytestmark = [pytest.mark.training, pytest.mark.slow, pytest.mark.filterwarnings("ignore:.*capturable=True")]
HARDWARE = floor.Hardware(1e12, 1e12)


def test_the_operations_of_a_captured_step_are_counted() -> None:
    with pretended() as card:
        work = searching("shortcut", GRAPHS)
        step = search.step(work)
        for _ in range(4):
            step()
        assert card.replays == 1
        assert floor.of_step(step, HARDWARE, 1.0)["GFLOP"] == 0  # a replay is one call
        counted = search.step(search.eagerly(work))
        operations = floor.of_step(counted, HARDWARE, 1e-3)
        assert operations["GFLOP"] > 0
        assert operations["of the matrix peak"] > 0
        card.check()
