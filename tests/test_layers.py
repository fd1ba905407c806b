"""Arrows point one way: each package is imported in a fresh process, and sys.modules shows what came along."""

import pathlib
import re
import subprocess
import sys

import pytest


def loaded(code):
    out = subprocess.run([sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"], capture_output=True,
                         text=True, check=True)  # fmt: skip
    return {name.split(".")[0] for name in out.stdout.split()}, set(out.stdout.split())


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import spaces.architecture, spaces.sampling", {"torch", "numpy", "ray", "harness", "analysis"}),
        ("import spaces.shortcut, spaces.cell, spaces.contract", {"ray", "harness", "analysis"}),
        ("import harness.plan, harness.records, harness.status, harness.folder", {"torch", "numpy", "ray", "analysis"}),
        ("import harness.jobs, harness.in_process, harness.driver", {"ray", "analysis"}),
        ("import analysis.report, analysis.table", {"torch", "ray", "harness"}),
        ("from harness.cli import parser; parser()", {"torch", "ray", "pydantic", "pandas", "numpy", "analysis"}),
    ],
)
def test_imports(code, absent):
    assert not loaded(code)[0] & absent


def test_only_the_command_line_knows_both():
    _, modules = loaded("import harness.cli, harness.running, harness.prepare, harness.estimate")
    assert not [name for name in modules if name.startswith("analysis")]


def test_only_on_ray_imports_ray():
    root = pathlib.Path(__file__).parent.parent
    files = [path for folder in ("harness", "spaces", "analysis") for path in (root / folder).glob("*.py")]
    pattern = re.compile(r"^\s*(import|from) ray\b", re.MULTILINE)
    assert [path.name for path in files if pattern.search(path.read_text())] == ["on_ray.py"]
