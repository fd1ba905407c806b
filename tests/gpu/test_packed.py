"""Trials that take turns on a made-up GPU: no races between their streams, and random numbers as alone."""

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import torch

from harness.engine.device import fp32_precision
from harness.engine.engine import Engine
from harness.engine.packing import Seat, in_turn
from tests.gpu.card import Card
from tests.gpu.pretended import pretended
from tests.gpu.works import CUDA, EAGER, GRAPHS, run, searching, training, trial

pytestmark = [pytest.mark.training, pytest.mark.long]
Draws = list[tuple[int, int]]  # seed and offset of CUDA's generator
Make = Callable[[int, str], Any]


def dropping(seed: int, path: str) -> Any:
    """So that steps draw on the GPU; one epoch less for the second."""
    return training("tiny", path, seed=seed, epochs=3 - seed)


def dropping_paths(seed: int, path: str) -> Any:
    """The probability of drop-path is the host's, another one each epoch."""
    return training("cells", path, seed=seed, epochs=3 - seed)


def searches(seed: int, path: str) -> Any:
    return searching("shortcut", path, epochs=2 - seed)


def alone(make: Callable[[], Any]) -> Draws:
    with pretended() as card:
        run(make())
        return list(card.draws)


@pytest.mark.parametrize("make", [dropping, pytest.param(dropping_paths, marks=pytest.mark.slow)])
def test_steps_draw_the_same_eagerly_and_in_graphs(make: Make) -> None:
    eager, captured = (alone(lambda path=path: make(0, path)) for path in (EAGER, GRAPHS))
    assert len(eager) > 10
    assert eager == captured


@contextlib.contextmanager
def draws_by_seat(card: Card) -> Iterator[dict[int, Draws]]:
    found: dict[int, Draws] = defaultdict(list)
    turn = Seat.turn

    @contextlib.contextmanager
    def noting(seat: Seat) -> Iterator[None]:
        before = len(card.draws)
        with turn(seat):
            yield
        found[id(seat)] += card.draws[before:]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Seat, "turn", noting)
        yield found


def together(make: Make, path: str, count: int) -> list[Draws]:
    with pretended() as card, draws_by_seat(card) as drawn:
        list(in_turn({str(seed): trial(partial(make, seed, path)) for seed in range(count)}, CUDA))
        card.check()
        return list(drawn.values())


SLOW = [pytest.param(make, path, marks=pytest.mark.slow) for path in (EAGER, GRAPHS)
        for make in (dropping, dropping_paths, searches) if (make, path) != (dropping, GRAPHS)]  # fmt: skip


@pytest.mark.parametrize(("make", "path"), [(dropping, GRAPHS), *SLOW])
def test_packed_trials_draw_as_alone_without_races(make: Make, path: str) -> None:
    for seed, draws in enumerate(together(make, path, 2)):
        assert draws == alone(lambda seed=seed: make(seed, path))


def test_packed_trials_multiply_each_in_its_own_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[tuple[str, str]] = set()
    loss = Engine.loss

    def noting(how: Engine, *given: Any) -> torch.Tensor:
        seen.add((how.path, fp32_precision()))
        return loss(how, *given)

    monkeypatch.setattr(Engine, "loss", noting)
    made: dict[str, Any] = {"fp32": EAGER + " tf32", "bf16": EAGER}
    with pretended():
        list(in_turn({one: trial(partial(training, "tiny", path, one)) for one, path in made.items()}, CUDA))
    assert seen == {(EAGER + " tf32", "tf32"), (EAGER, "ieee")}
