"""Adding seeds until decided: looks are fixed, only open methods get more, and there is an end."""

import pytest

from harness.errors import BadInput
from harness.until import planned_looks, run_until


def test_looks_end_at_the_maximum():
    assert planned_looks((3, 5, 10), None) == (3, 5, 10)
    assert planned_looks((3, 5, 10), 8) == (3, 5, 8)
    assert planned_looks((3, 5, 10), 20) == (3, 5, 10, 20)


@pytest.mark.parametrize(("looks", "most"), [((), None), ((5, 3), None), ((1, 3), None), ((3, 5), 2)])
def test_looks_that_cannot_be_are_refused(looks, most):
    with pytest.raises(BadInput):
        planned_looks(looks, most)


def test_only_open_methods_get_more_seeds():
    ran, answers = [], iter([["darts-A@5", "darts-A@10"], ["darts-A@5"], ["darts-A@5"]])
    missing = run_until(["darts-A", "darts-B", "baseline"], (3, 5, 8), lambda s: ran.append(dict(s)) or 0,
                        lambda: (len(ran), next(answers)))  # fmt: skip
    assert missing == 0
    assert ran == [{"darts-A": n, "darts-B": 3, "baseline": 3} for n in (3, 5, 8)]


def test_it_stops_when_decided_or_when_trials_are_missing():
    ran = []
    run_until(["a"], (3, 5), lambda s: ran.append(1) or 0, lambda: (1, []))
    assert len(ran) == 1
    assert run_until(["a"], (3, 5), lambda s: 2, lambda: (0, ["a"])) == 2
