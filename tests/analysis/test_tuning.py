"""What is read from tunings: the place of an optimum and its interval, races, figures and the page."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState, create_trial

from analysis.report import formats
from analysis.statistics.optimum import optimum
from analysis.tuning import figures, pages
from analysis.tuning.trials import best, chosen, distributions, from_unit, numeric, races, trials, unit

pytestmark = pytest.mark.long

optuna.logging.set_verbosity(optuna.logging.WARNING)
SPANS = {"lr": FloatDistribution(1e-4, 0.1, log=True), "scheduler.gamma": FloatDistribution(0.05, 0.95)}


def study(accuracies: Sequence[float | None], values: Sequence[Mapping[str, Any]] | None = None,
          spans: Mapping[str, Any] = SPANS, pruned: Sequence[int] = ()) -> Any:  # fmt: skip
    """An Optuna study as harness makes it; None stands for a failed trial."""
    rng = np.random.default_rng(len(accuracies))
    out = optuna.create_study(direction="maximize")
    for number, accuracy in enumerate(accuracies):
        place = values[number] if values else {name: from_unit(span, rng.uniform()) for name, span in spans.items()}
        state = TrialState.FAIL if accuracy is None else TrialState.PRUNED if number in pruned else TrialState.COMPLETE
        out.add_trial(create_trial(
            state=state, value=accuracy, params=dict(place), distributions={name: spans[name] for name in place},
            intermediate_values={} if accuracy is None else {1: accuracy / 2, 2: accuracy},
            user_attrs={"key": f"{number:016x}", "status": "done", "device_seconds": 2.0},
        ))  # fmt: skip
    return out


def searched(seed: int, count: int = 40, peak: float = -2.0) -> Any:
    """A study whose accuracy falls off from lr = 10^peak, and a little from γ = 0.3."""
    rng = np.random.default_rng(seed)
    values = [{name: from_unit(span, rng.uniform()) for name, span in SPANS.items()} for _ in range(count)]
    accuracy = [60 - 6 * (np.log10(v["lr"]) - peak) ** 2 - 4 * (v["scheduler.gamma"] - 0.3) ** 2 for v in values]
    pruned = [n for n in range(10, count) if accuracy[n] < np.median(accuracy)]
    return study(list(accuracy + rng.normal(0, 0.5, count)), values, pruned=pruned)


# Where a response is best


def sample(surface: Callable[[np.ndarray], np.ndarray], seed: int, n: int = 90) -> tuple[np.ndarray, ...]:
    """Points that crowd towards the middle, their noisy response, and three blocks with levels of their own."""
    rng = np.random.default_rng(seed)
    points = np.clip(np.where(rng.random((n, 1)) < 0.6, rng.normal(0.55, 0.15, (n, 2)), rng.random((n, 2))), 0, 1)
    blocks = np.arange(n) % 3
    return points, surface(points) + rng.normal(0, 0.7, n) + blocks, blocks


def smooth(x: np.ndarray) -> np.ndarray:
    return -40 * (x[:, 0] - 0.6) ** 2 - 8 * (x[:, 1] - 0.4) ** 2


def kinked(x: np.ndarray) -> np.ndarray:
    """Steep beyond the best first coordinate, as accuracy is beyond the best learning rate."""
    beyond = x[:, 0] - 0.6
    return np.where(beyond < 0, -30, -120) * beyond**2 - 8 * (x[:, 1] - 0.4) ** 2


@pytest.mark.parametrize("surface", [smooth, kinked])
def test_the_interval_covers_the_true_place(surface: Callable[[np.ndarray], np.ndarray]) -> None:
    truth, inside, runs = np.array([0.6, 0.4]), np.zeros(2), 20
    for seed in range(runs):
        found = optimum(*sample(surface, seed, 60), draws=300)  # type: ignore[misc]
        assert found is not None
        inside += (found.low <= truth) & (truth <= found.high)
    assert (inside / runs >= 0.85).all(), inside / runs  # 95 % less two standard errors


def test_the_interval_is_no_empty_promise() -> None:
    found = optimum(*sample(smooth, 0))  # type: ignore[misc]
    assert found is not None
    assert found.high[0] - found.low[0] < 0.25
    assert found.best == pytest.approx([0.6, 0.4], abs=0.15)


def test_levels_of_blocks_do_not_move_the_optimum() -> None:
    points, response, blocks = sample(smooth, 1)
    one, other = optimum(points, response, blocks), optimum(points, response + 50 * blocks, blocks)
    assert one is not None
    assert other is not None
    assert np.allclose([one.best, one.low, one.high], [other.best, other.low, other.high], atol=0.02)


def test_an_optimum_at_the_edge_is_found_there() -> None:
    points, _, blocks = sample(smooth, 2)
    rising = 10 * points[:, 0] - 8 * (points[:, 1] - 0.4) ** 2 + np.random.default_rng(0).normal(0, 0.3, len(points))
    found = optimum(points, rising, blocks)
    assert found is not None
    assert (found.best[0], found.high[0]) == (1, 1)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_too_few_points_give_no_optimum(d: int) -> None:
    rng = np.random.default_rng(0)
    points = rng.random((200, d))
    response = -((points - 0.5) ** 2).sum(axis=1) + rng.normal(0, 0.01, 200)
    assert optimum(points[:6], response[:6], np.zeros(6)) is None
    found = optimum(points, response, np.zeros(200))
    assert found is not None
    assert found.best == pytest.approx(np.full(d, 0.5), abs=0.1)


@given(st.floats(0, 1), st.sampled_from(sorted(SPANS)))
def test_places_in_a_range_go_there_and_back(place: float, field: str) -> None:
    assert unit(SPANS[field], from_unit(SPANS[field], place)) == pytest.approx(place, abs=1e-9)


# Trials


def test_the_chosen_trial_is_the_earliest_best_that_was_done() -> None:
    frame = trials({"tpe": {0: study([50, None, 70, 60, 60, 60], pruned=[2])}})
    assert chosen(frame)["number"].tolist() == [3]
    assert frame["status"].tolist() == ["done", "failed", "pruned", "done", "done", "done"]
    assert frame["so_far"].tolist() == [50, 50, 50, 60, 60, 60]
    assert frame["spent"].tolist() == [2, 4, 6, 8, 10, 12]
    assert frame["curve"].map(len).tolist() == [2, 0, 2, 2, 2, 2]


def test_races_pair_repetitions_after_equally_many_trials() -> None:
    tpe = {0: study([50, 60, 61, 64]), 1: study([40, 50, 52, 53]), 2: study([1, 1])}
    chance = {0: study([50, 58, 60, 60, 90]), 1: study([40, 41, 51, 51, 90])}
    found = races(trials({"tpe": tpe, "random": chance}), parts=2)
    assert [(one.first, one.second, one.trials, one.difference.n) for one in found] == [
        ("tpe", "random", 2, 2), ("tpe", "random", 4, 2)
    ]  # fmt: skip
    assert [one.difference.value for one in found] == [5.5, 3.0]
    assert found[1].cost_ratio == 1


def test_the_best_values_come_in_their_own_units_from_alike_trials() -> None:
    spans = {**SPANS, "augment": CategoricalDistribution(["crop", "none"])}
    good, rest = searched(0), searched(1, peak=-3.5)
    mixed = optuna.create_study(direction="maximize")
    for source, augment in ((good, "crop"), (rest, "none")):
        for trial in source.trials:
            params = {**trial.params, "augment": augment}
            value = trial.value + (augment == "crop")
            mixed.add_trial(create_trial(state=trial.state, value=value, params=params, user_attrs=trial.user_attrs,
                                         distributions={name: spans[name] for name in params}))  # fmt: skip
    found = {one.field: one for one in best(trials({"t": {0: mixed}}), spans, "t")}
    assert set(found) == set(numeric(spans)) == {"lr", "scheduler.gamma"}
    assert found["lr"].low < 0.01 < found["lr"].high
    assert found["lr"].n == sum(trial.state == TrialState.COMPLETE for trial in good.trials)


def test_importance_falls_on_the_field_that_matters() -> None:
    shares = figures.importances({0: searched(0), 1: searched(1), 2: study([None])})
    assert next(iter(shares)) == "lr"
    assert len(shares["lr"]) == 2
    assert np.mean(shares["lr"]) > 0.7


# Pages

STUDIES = {"tpe": {0: searched(0), 1: searched(1)}, "random": {0: searched(2), 1: searched(3)}}


@pytest.fixture(scope="module")
def built() -> dict[str, bytes]:
    return pages.rebuild("made-up", STUDIES)


def test_the_page_shows_every_figure_and_is_the_same_every_time(built: dict[str, bytes]) -> None:
    names = {"race", *(f"{t}-{f}" for t in STUDIES for f in ("history", "slice", "importance", "parallel"))}
    for kind in ("svg", "pdf", "png", "csv"):
        assert {path for path in built if path.endswith(kind)} == {f"tuning/{name}.{kind}" for name in names}
    page = built["tuning/index.html"].decode()
    assert all(f'id="figure-{name}"' in page for name in names)
    assert pages.rebuild("made-up", STUDIES) == built
    numbers = {path: text.encode() for path, text in pages.numbers(STUDIES).items()}
    assert numbers == {path: content for path, content in built.items() if path.endswith((".csv", ".md"))}


def test_the_page_is_offline_and_leads_to_the_rows(built: dict[str, bytes]) -> None:
    page = built["tuning/index.html"].decode()
    assert not re.search(r'(?:src|href)="https?:', page)
    assert "../index.html#row-0000000000000000" in page


def test_the_tables_say_what_was_chosen_and_what_it_cost() -> None:
    text = "\n".join(map(formats.text, pages.tables(STUDIES)))
    top = max(t.value for t in STUDIES["tpe"][0].trials if t.state == TrialState.COMPLETE)
    assert re.search(rf"tpe +0 +\d+ +\d+ +0 +{top:.2f} ", text)
    assert "all together" in text
    assert "tpe - random" in text


def test_tunings_of_different_networks_are_not_put_together() -> None:
    tunings = {name: {seed: searched(seed) for seed in range(2)} for name in ("short", "long")}
    for name, seeds in tunings.items():
        for one in seeds.values():
            one.set_user_attr("trains", name)
    text = "\n".join(map(formats.text, pages.tables(tunings)))
    assert "short" in text
    assert "all together" not in text
    assert "short - long" not in text


def test_tunings_that_have_hardly_begun_make_a_page_too() -> None:
    assert pages.rebuild("made-up", {}) == {}
    for beginning in ([None], [50.0], [50.0, 50.0, 50.0, 50.0, 50.0]):
        assert "tuning/index.html" in pages.rebuild("made-up", {"tpe": {0: study(beginning)}})
    assert distributions({"tpe": {0: study([None])}}).keys() == SPANS.keys()
