"""Packs on made-up GPUs: a pack is one process, and a process has one GPU."""

from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import BadInput
from harness.run.admission import TRIES, Shares, fits
from harness.run.driver import Assignment, Driver
from harness.run.prepare import prepare
from harness.run.session import Execute, Session, run
from harness.storage.rows import latest_rows
from harness.study.load import load_with_recipe
from harness.training.place import Progress
from harness.vocabulary.rows import Trouble
from tests.driven import STUDY

pytestmark = pytest.mark.long

TRIALS = 12
NETWORKS = STUDY.replace("search = 1", f"search = {TRIALS}").replace(
    '{ name = "darts-A", rule = "A", twins = 1 }, ', ""
)
Pack = list[Assignment]


class Cards:
    """Places packs as Ray does, by the sum of fractions, and ends them in a random order.

    The last card leaves when so many packs were `placed` for good; what ran on it is lost.
    """

    def __init__(self, count: int, memory: float = 0.1, spare: float = 1.0, placed: int | None = None) -> None:
        self.used, self.memory, self.spare, self.placed = [0.0] * count, memory, spare, placed
        self.on: list[tuple[int, Pack]] = []
        self.seen: list[Pack] = []
        self.lost: list[str] = []  # keys
        self.crowd = 0  # the most trials at once

    def __call__(self, driver: Driver) -> None:
        waiting: Pack = []
        while not driver.over:
            waiting = waiting or driver.pack()
            if waiting and (card := self._card(share(waiting))) is not None:
                self.used[card] += share(waiting)
                self.on.append((card, waiting))
                self.seen.append(waiting)
                waiting = []
                self.crowd = max(self.crowd, sum(len(pack) for _, pack in self.on))
                if len(self.seen) == self.placed:
                    self._leave(driver)
            elif self.on:
                self._end(driver, *self.on.pop(Random(len(self.seen)).randrange(len(self.on))))
            else:
                raise AssertionError(f"waits for ever for {share(waiting)} GPUs")

    def _card(self, share: float) -> int | None:
        return next((card for card, used in enumerate(self.used) if fits(used + share, 1.0)), None)

    def _leave(self, driver: Driver) -> None:
        gone = len(self.used) - 1
        self.used.pop()
        there, self.on = [pack for card, pack in self.on if card == gone], [one for one in self.on if one[0] != gone]
        for one in (one for pack in there for one in pack):
            self.lost.append(one.job.key)
            driver.end(one, {"status": Trouble.LOST, "error": "the node has left"})

    def _end(self, driver: Driver, card: int, pack: Pack) -> None:
        self.used[card] -= share(pack)
        full = len(pack) * self.memory > self.spare
        for one in pack:
            if not full:
                driver.progress(one.job.key, Progress(1, 1, 1.0, memory=self.memory))
            driver.end(one, {"status": Trouble.NO_MEMORY if full else "done", "val_accuracy": 1.0})


def share(pack: Pack) -> float:
    return sum(one.place.gpus for one in pack)


def ran(folder: Path, cards: Execute, **shares: Any) -> int:
    path = folder / "study.toml"
    path.write_text(NETWORKS)
    prepared = prepare(load_with_recipe(str(path), []), folder, None, False, "cpu")
    chosen = Shares({}, shares.pop("gpus", {}), {"": shares.pop("pack")}).checked("cuda")
    return run(prepared, Session(cards, chosen, "cuda", None, ""))


@pytest.mark.parametrize("count", [1, 2, 8])
@pytest.mark.parametrize("pack", [1, 3, 4, 7, 20])
def test_a_pack_takes_one_gpu_at_most_however_many_there_are(tmp_path: Path, count: int, pack: int) -> None:
    cards = Cards(count, memory=0.8 / min(pack, TRIALS))
    assert ran(tmp_path, cards, pack=pack) == 0
    assert sum(map(len, cards.seen)) == TRIALS
    assert max(map(len, cards.seen)) == min(pack, TRIALS)
    assert all(fits(share(one), 1.0) for one in cards.seen)


@pytest.mark.parametrize("count", [1, 2, 8])
@pytest.mark.parametrize(("share", "at_once"), [(1.0, 1), (0.5, 2), (0.25, 4), (0.3, 3)])
def test_fractions_fill_every_gpu_and_none_beyond_its_memory(
    tmp_path: Path, count: int, share: float, at_once: int
) -> None:
    cards = Cards(count, memory=0.2)
    assert ran(tmp_path, cards, pack=1, gpus={"": share}) == 0
    assert len(cards.seen) == TRIALS
    measured_first = share < 1
    assert cards.crowd == min(TRIALS - measured_first, count * at_once)


@pytest.mark.parametrize("pack", [1, 4])
def test_what_ran_on_a_gpu_that_leaves_runs_on_another(tmp_path: Path, pack: int) -> None:
    cards = Cards(2, memory=0.2, placed=3)
    assert ran(tmp_path, cards, pack=pack) == 0
    assigned = [one.job.key for placed in cards.seen for one in placed]
    assert len(cards.lost) == pack
    assert sorted(assigned) == sorted([*set(assigned), *cards.lost])
    assert len(set(assigned)) == TRIALS


def test_a_pack_whose_trials_are_found_to_need_more_has_fewer_of_them(tmp_path: Path) -> None:
    cards = Cards(1, memory=0.23)
    assert ran(tmp_path, cards, pack=4, gpus={"": 0.25}) == 0
    assert [len(pack) for pack in cards.seen] == [4, 3, 3, 2]
    assert [round(share(pack), 2) for pack in cards.seen] == [1.0, 0.78, 0.78, 0.52]


def test_a_pack_that_ran_out_of_memory_comes_back_in_smaller_ones(tmp_path: Path) -> None:
    cards = Cards(1, memory=0.4)
    assert ran(tmp_path, cards, pack=4) == 0
    assert all(fits(share(pack), 1.0) for pack in cards.seen)
    assert len(cards.seen[-1]) <= 2


def test_a_pack_of_unequal_shares_says_their_sum(tmp_path: Path) -> None:
    """One that ran out of memory has twice the share, in a pack with others that have what was measured."""
    seen: list[Pack] = []

    def uneven(driver: Driver) -> None:
        while pack := driver.pack():
            for one in pack:
                driver.progress(one.job.key, Progress(1, 1, 1.0, memory=0.25))
                struck = not seen and one is pack[0]
                driver.end(one, {"status": Trouble.NO_MEMORY if struck else "done", "val_accuracy": 1.0})
            seen.append(pack)

    assert ran(tmp_path, uneven, pack=2, gpus={"": 0.25}) == 0
    assert {tuple(sorted(one.place.gpus for one in pack)) for pack in seen} >= {(0.28, 0.5), (0.28, 0.28)}
    assert all(one.place.process_gpus == share(pack) for pack in seen for one in pack)


@given(st.integers(2, 64))
def test_by_default_a_pack_shares_one_gpu(pack: int) -> None:
    shares = Shares({}, {}, {"train": pack}).checked("cuda")
    assert shares.of("train", "cuda")[1] * pack == pytest.approx(1)
    assert shares.of("search", "cuda") == (1, 1)
    assert shares.of("train", "cpu") == (1, 0)


@pytest.mark.parametrize(("gpus", "total"), [(0.5, "2"), (1.0, "4"), (2.0, "8"), (0.26, "1.04")])
def test_what_no_process_can_have_is_refused(gpus: float, total: str) -> None:
    with pytest.raises(BadInput, match=rf"--pack search=4 .* take {total} GPUs.* at most 0.25"):
        Shares({}, {"": gpus}, {"": 4}).checked("cuda")
    assert Shares({}, {"": 0.25}, {"": 4}).checked("cuda")


def test_one_trial_that_ends_its_process_takes_no_other_with_it(tmp_path: Path) -> None:
    """Whoever was in a process that died runs alone then, which shows whose fault it is."""
    given: list[Pack] = []

    def execute(driver: Driver) -> None:
        while not driver.over and (pack := driver.pack()):
            given.append(pack)
            struck = any(one.job.seed == 2 for one in pack)
            for one in pack:
                driver.end(one, {"status": Trouble.LOST, "error": "its process died"} if struck else
                           {"status": "done", "val_accuracy": 1.0})  # fmt: skip

    assert ran(tmp_path, execute, pack=4) == 1
    statuses = {row["seed"]: row["status"] for row in latest_rows(tmp_path / "driven").values()}
    assert statuses == {seed: "failed" if seed == 2 else "done" for seed in range(TRIALS)}
    alone = [pack[0].job.seed for pack in given if len(pack) == 1]
    assert alone.count(2) == TRIES + 1
    assert sorted({*alone}) == sorted(one.job.seed for one in given[0])
