"""What a process asks Ray for, and what is said where no machine can ever give it."""

import json
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness import api
from harness.cli import main
from harness.errors import BadInput
from harness.plan.jobs import Job
from harness.run.admission import Shares
from harness.training.place import Place
from tests.driven import STUDY

pytestmark = pytest.mark.ray


def asked(gpus: float, pack: int) -> float:
    from harness.ray_tune import worker

    one = {"place": asdict(Place("folder", "cuda", 1, gpus, None, pack=pack))}
    return float(worker.share({"task": json.dumps({"tasks": [one] * pack, "unfit": []})}).bundles[0].get("GPU", 0))


@pytest.mark.parametrize(("gpus", "pack", "ask"), [(0, 1, 0), (2, 1, 2), (0.25, 4, 1), (0.25, 1, 0.25), (1 / 3, 3, 1),
                                                   (1 / 6, 5, 0.8333), (1 / 7, 7, 1), (0.29, 3, 0.87)])  # fmt: skip
def test_a_pack_asks_for_the_sum_of_its_shares_in_rays_grains(gpus: float, pack: int, ask: float) -> None:
    assert asked(gpus, pack) == ask


def node(cpus: float, gpus: float) -> dict[str, Any]:
    return {"NodeID": f"{cpus} {gpus}", "Resources": {"CPU": cpus, "GPU": gpus}}


CARDS: dict[str, list[str]] = {}  # what nodes answer


@pytest.fixture(autouse=True)
def nodes_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.ray_tune import cluster

    CARDS.clear()

    def asked(alive: Any, _: object) -> Any:
        found = {node["NodeID"]: CARDS.get(node["NodeID"], ["H100"]) for node in alive}
        return {name: {"kinds": dict.fromkeys(kinds, True)} for name, kinds in found.items()}

    monkeypatch.setattr(cluster, "everywhere", asked)


def check(shares: Shares, *alive: dict[str, Any], common: Any = None, device: str = "cuda") -> None:
    from harness.ray_tune import cluster

    plan = SimpleNamespace(jobs={"k": Job("k", "train", "train", "train", {"seed": 0})})
    admission = SimpleNamespace(shares=shares, device=device)
    driver: Any = SimpleNamespace(plan=plan, admission=admission, rows={})
    cluster.check(driver, common, list(alive))


def test_a_pack_runs_where_there_is_one_gpu() -> None:
    check(Shares({}, {}, {"": 4}), node(2, 1))


@pytest.mark.parametrize("shares", [Shares({}, {"": 2}), Shares({"train": 3}, {}), Shares({}, {"": 4})])
def test_what_one_machine_can_never_give_is_refused_at_once(shares: Shares) -> None:
    with pytest.raises(BadInput, match=r"a train trial asks for .* which no machine here has"):
        check(shares, node(2, 1))


def test_what_a_cluster_cannot_give_yet_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    common = SimpleNamespace(faults=lambda _: [])
    check(Shares({}, {}), node(64, 0), common=common)
    assert "a train trial asks for 1 cores and 1 GPUs, which no machine here has" in capsys.readouterr().err
    check(Shares({}, {}), node(64, 0), node(8, 1), common=common)
    assert capsys.readouterr().err == ""


def test_gpus_of_several_kinds_are_said_before_a_run_on_them(capsys: pytest.CaptureFixture[str]) -> None:
    CARDS["8 1"] = ["T4"]
    check(Shares({}, {}), node(2, 1), node(8, 1))
    assert "the nodes have different GPUs (H100, T4)" in capsys.readouterr().err
    check(Shares({}, {}), node(2, 1), node(8, 1), device="cpu")
    check(Shares({}, {}), node(2, 1), node(8, 0))
    assert capsys.readouterr().err == ""


def test_a_process_that_uses_a_ray_of_its_own_keeps_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import ray

    monkeypatch.setattr(ray, "is_initialized", lambda: True)
    with pytest.raises(BadInput, match=r"uses a Ray of its own, which a run would end; call ray\.shutdown\(\)"):
        api.run(tomllib.loads(STUDY), tmp_path)
    assert not list(tmp_path.iterdir())


def test_ray_is_started_from_any_thread() -> None:
    from harness.ray_tune.cluster import own_signals

    def inside() -> str:
        with own_signals():
            return "works"

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(inside).result() == "works"


def test_a_trial_larger_than_the_ray_that_is_started_is_refused_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "study.toml").write_text(STUDY)
    line = ["run", str(tmp_path / "study.toml"), "--results", str(tmp_path), "--device", "cpu", "--cpus", "2"]
    with pytest.raises(SystemExit) as end:
        main([*line, "--cpus-per-trial", "search=3"])
    assert end.value.code == 2
    assert "a search trial asks for 3 cores, and all trials together have 2" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["study.toml"]


def test_nobody_else_can_read_the_token_of_the_ray_that_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.ray_tune.cluster import private_token

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN", "its own")
    private_token()
    assert not list(tmp_path.iterdir())
    monkeypatch.delenv("RAY_AUTH_TOKEN")
    token = tmp_path / ".ray" / "auth_token"
    private_token()
    made = token.read_text()
    token.chmod(0o644)  # as Ray wrote it before
    private_token()
    assert (token.stat().st_mode & 0o777, token.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert token.read_text() == made
    assert len(made) == 64
