"""A head without a GPU asks the nodes that have one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import BadInput
from harness.run.prepare import prepare
from tests.studies import tiny

pytestmark = pytest.mark.ray
HEAD: dict[str, Any] = {"NodeID": "head", "Resources": {"CPU": 8}}
NODES: list[dict[str, Any]] = [{"NodeID": name, "Resources": {"CPU": 8, "GPU": 1}} for name in ("a", "b")]
H100, T4 = {"kinds": {"H100": True}}, {"kinds": {"T4": False}}


def answers(*seen: dict[str, Any] | None) -> Callable[..., Any]:
    return lambda alive, look: dict(zip([node["NodeID"] for node in alive], seen, strict=True))


def asked(*seen: dict[str, Any] | None) -> str:
    from harness.ray_tune import gpus

    return gpus.common_precision("auto", [HEAD, *NODES[: len(seen)]], answers(*seen))


def test_bf16_is_for_clusters_whose_every_gpu_multiplies_it() -> None:
    assert asked(H100) == asked(H100, H100) == "bf16"
    assert asked(H100, T4) == "fp32"


@pytest.mark.parametrize(("seen", "says"), [((), "no node of auto has a GPU now"),
                                            ((None,), "node a: it does not answer"),
                                            ((H100, {"error": "no driver"}), "node b: no driver")])  # fmt: skip
def test_where_nobody_can_say_it_one_line_does(seen: tuple[Any, ...], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        asked(*seen)


def test_nobody_is_asked_what_the_study_says(tmp_path: Path) -> None:
    def never() -> str:
        raise AssertionError("asked")

    prepared = prepare(tiny(), tmp_path, None, False, "cuda", elsewhere=never)
    assert prepared.study.recipe.precision == "fp32"


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_study_that_leaves_it_open_has_what_the_nodes_say(tmp_path: Path, precision: str) -> None:
    study = tiny(recipe={"epochs": 1, "batch_size": 32, "lr": 0.02, "precision": "auto"})
    prepared = prepare(study, tmp_path, None, False, "cuda", elsewhere=lambda: precision)
    assert prepared.study.recipe.precision == precision
