"""The Kubernetes manifests have what KubeRay's published schema requires, and run the commands that there are.

They were validated against that whole schema (docs/cluster.md); here stands what it requires of what they use.
"""

import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.commands.options import parser

DEPLOY = Path(__file__).parent.parent / "deploy"
CLUSTER = {
    "rayVersion",
    "authOptions",
    "enableInTreeAutoscaling",
    "autoscalerOptions",
    "headGroupSpec",
    "workerGroupSpecs",
}
JOB = {"entrypoint", "submissionMode", "backoffLimit", "shutdownAfterJobFinishes", "ttlSecondsAfterFinished",
       "rayClusterSpec"}  # fmt: skip
GROUP = {"rayStartParams", "template"}
WORKERS = GROUP | {"groupName", "replicas", "minReplicas", "maxReplicas"}


def spec(name: str) -> dict[str, Any]:
    document = yaml.safe_load((DEPLOY / name).read_text())
    assert set(document) == {"apiVersion", "kind", "metadata", "spec"}
    assert document["apiVersion"] == "ray.io/v1"
    assert document["kind"].lower() == name.removesuffix(".yaml")
    assert document["metadata"]["name"]
    found: dict[str, Any] = document["spec"]
    return found


def clusters() -> list[dict[str, Any]]:
    return [spec("raycluster.yaml"), spec("rayjob.yaml")["rayClusterSpec"]]


@pytest.mark.parametrize("cluster", clusters(), ids=["raycluster", "rayjob"])
def test_a_cluster_has_the_fields_that_the_schema_requires_and_knows(cluster: dict[str, Any]) -> None:
    assert set(cluster) == CLUSTER
    assert cluster["authOptions"] == {"mode": "token"}, "else whoever reaches a pod runs code there"
    assert cluster["autoscalerOptions"]["version"] in ("v1", "v2")
    assert cluster["autoscalerOptions"]["upscalingMode"] in ("Default", "Aggressive", "Conservative")
    assert set(cluster["headGroupSpec"]) == GROUP
    for group in cluster["workerGroupSpecs"]:
        assert set(group) == WORKERS
        assert 0 <= group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())
        for container in group["template"]["spec"]["containers"]:
            assert {"name", "image"} <= set(container)
            mounted = {mount["name"] for mount in container.get("volumeMounts", [])}
            assert mounted == {volume["name"] for volume in group["template"]["spec"].get("volumes", [])}


def test_both_run_the_same_cluster_on_the_ray_that_is_installed() -> None:
    one, other = clusters()
    assert one["rayVersion"] == other["rayVersion"]
    assert f"ray=={one['rayVersion']}" in (DEPLOY.parent / "constraints.txt").read_text().split()
    assert one["headGroupSpec"] == other["headGroupSpec"]
    assert one["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0", "the driver's machine runs no trial"


def test_the_jobs_command_is_understood() -> None:
    job = spec("rayjob.yaml")
    assert set(job) == JOB
    program, *arguments = shlex.split(job["entrypoint"])
    options = parser().parse_args(arguments)
    mounts = clusters()[0]["headGroupSpec"]["template"]["spec"]["containers"][0]["volumeMounts"]
    assert program == "nas-harness"
    assert options.address == "auto"
    assert options.checkpoints.startswith("s3://")
    assert options.results in [mount["mountPath"] for mount in mounts]


@pytest.mark.skipif(not shutil.which("rsync"), reason="NO rsync: what cluster.yaml copies is not tested")
def test_the_code_that_a_cluster_gets_is_whole_and_without_results(tmp_path: Path) -> None:
    """By rsync, as Ray calls it. The cluster's test has the repository's own code within reach."""
    here = DEPLOY.parent
    config = yaml.safe_load((here / "cluster.yaml").read_text())
    assert config["file_mounts"]["~/nas-harness"] == "."
    out = [f"--exclude={pattern}" for pattern in config["rsync_exclude"]]
    subprocess.run(["rsync", "-a", *out, f"{here}/", tmp_path], check=True)
    packages = [path for name in ("harness", "spaces", "analysis") for path in (here / name).rglob("*")]
    code = {path.relative_to(here) for path in packages if path.is_file() and "__pycache__" not in path.parts}
    assert {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()} >= code
    assert not {".git", ".venv", "results"} & {path.name for path in tmp_path.iterdir()}
