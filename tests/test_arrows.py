"""Who may import whom, the size of files and functions, and what a fresh process loads."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(path for package in ("harness", "spaces", "analysis") for path in (ROOT / package).rglob("*.py"))
LINES, STATEMENT_LINES = 250, 40  # at most, of a file and of a function

BASE = {"harness.errors", "harness.seeding", "harness.vocabulary", "spaces"}
ARROWS = {  # package → what it may import beside itself and BASE
    "harness.errors": set(),
    "harness.seeding": set(),
    "harness.vocabulary": set(),
    "harness.storage": set(),
    "harness.study": set(),
    "harness.data": {"harness.study"},
    "harness.black_box": set(),
    "harness.zero_cost": set(),
    "harness.plan": {"harness.study", "harness.black_box"},
    "harness.trackers": {"harness.storage"},
    "harness.engine": {"harness.study", "harness.data"},
    "harness.training": {"harness.study", "harness.data", "harness.plan", "harness.engine", "harness.storage",
                         "harness.tables", "harness.black_box", "harness.zero_cost"},
    "harness.tables": {"harness.study"},
    "harness.run": {"harness.study", "harness.data", "harness.plan", "harness.engine", "harness.storage",
                    "harness.tables", "harness.training", "harness.black_box", "harness.zero_cost", "harness.trackers"},
    "harness.ray_tune": {"harness.plan", "harness.engine", "harness.storage", "harness.training", "harness.run"},
    "harness.export": {"harness.data", "harness.storage"},
    "harness.commands": {"harness.black_box", "harness.study", "harness.data", "harness.plan", "harness.engine",
                         "harness.storage", "harness.export", "harness.training", "harness.run", "harness.ray_tune",
                         "harness.trackers",
                         "analysis"},
    "harness.cli": {"harness.commands"},
    "harness.extend": {"harness.data", "harness.plan"},
    "harness.api": {"harness.study", "harness.data", "harness.plan", "harness.engine", "harness.storage",
                    "harness.training", "harness.run", "harness.ray_tune", "harness.commands", "analysis"},
    "harness.__main__": {"harness.cli"},
    "analysis.numbers": set(),
    "analysis.statistics": {"analysis.numbers"},
    "analysis.results": {"analysis.statistics", "analysis.numbers"},
    "analysis.findings": {"analysis.results", "analysis.statistics", "analysis.numbers"},
    "analysis.figures": {"analysis.findings", "analysis.results", "analysis.statistics", "analysis.numbers"},
    "analysis.report": {"analysis.figures", "analysis.findings", "analysis.results", "analysis.statistics",
                        "analysis.numbers"},
    "analysis.tuning": {"analysis.report", "analysis.figures", "analysis.statistics", "analysis.numbers"},
    "spaces": set(),
}  # fmt: skip
NARROWER = {  # package → what of BASE it may import, where that is less than all
    "harness.errors": set(),
    "harness.seeding": set(),
    "harness.vocabulary": set(),
    "harness.storage": {"harness.errors", "harness.vocabulary"},
    "harness.study": {"harness.errors", "harness.seeding"},
    "spaces": set(),
    **{package: {"spaces"} for package in ARROWS if package.startswith("analysis")},
}
OUTSIDE = {  # a library → the packages that may import it
    "ray": {"harness.ray_tune"},
    "optuna": {"harness.black_box", "harness.plan", "harness.commands", "analysis.tuning"},
    "matplotlib": {"analysis.figures", "analysis.tuning"},
    **{name: {"harness.trackers"} for name in ("mlflow", "wandb", "tensorboard")},
}
WITHOUT_TORCH = ("settings", "jobs", "make", "strategies", "keys", "sources", "methods")  # modules of harness.plan


def module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def package_of(name: str) -> str:
    """Of a module; spaces are one."""
    parts = name.split(".")
    return parts[0] if parts[0] == "spaces" else ".".join(parts[:2])


def imported(path: Path) -> set[str]:
    """Every module that the file imports, at its top or inside a function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            own = {module(other) for other in FILES}
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= names & own or {node.module}
    return found


@pytest.mark.long
def test_no_arrow_points_where_it_may_not() -> None:
    wrong = []
    for path in FILES:
        here = package_of(module(path))
        if path.name == "__init__.py":
            assert not imported(path)
            continue
        allowed = {here} | ARROWS[here] | NARROWER.get(here, BASE)
        for name in imported(path):
            if name.split(".")[0] not in ("harness", "spaces", "analysis"):
                if here not in OUTSIDE.get(name.split(".")[0], {here}):
                    wrong.append(f"{module(path)} imports {name}")
            elif package_of(name) not in allowed and not ("analysis" in allowed and name.startswith("analysis")):
                wrong.append(f"{module(path)} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_nothing_else_lies_flat() -> None:
    flat = {path.stem for path in (ROOT / "harness").glob("*.py")}
    assert flat <= {"__init__", "__main__", "cli", "errors", "seeding", "extend", "api"}


def test_files_and_functions_are_short() -> None:
    long = []
    for path in FILES:
        text = path.read_text()
        long += [f"{module(path)}: {count} lines"] if (count := len(text.splitlines())) > LINES else []
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= STATEMENT_LINES:
                long.append(f"{module(path)}.{node.name}")
    assert not long


@pytest.mark.long
@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import spaces.architecture, spaces.sampling", {"torch", "numpy", "ray", "harness", "analysis"}),
        ("import spaces.shortcuts.space, spaces.cells.space, spaces.contract", {"ray", "harness", "analysis"}),
        *[(f"import harness.plan.{name}", {"torch", "numpy", "ray", "analysis"}) for name in WITHOUT_TORCH],
        (
            "import harness.storage.rows, harness.storage.folder, harness.commands.status",
            {"torch", "numpy", "ray", "analysis"},
        ),
        (
            "import harness.commands.track, harness.trackers.process, harness.trackers.mlflow_runs",
            {"torch", "numpy", "ray", "pydantic", "pandas", "mlflow", "wandb", "analysis"},
        ),
        ("import harness.training.run_job, harness.run.in_process, harness.run.driver", {"ray", "analysis"}),
        ("import analysis.report.write, analysis.results.table", {"torch", "ray", "harness"}),
        ("import harness.commands.report", {"torch", "ray"}),
        ("import harness.api", {"torch", "ray", "pandas", "pydantic", "analysis"}),
        ("from harness.cli import parser; parser()", {"torch", "ray", "pydantic", "pandas", "numpy", "analysis"}),
    ],
)
def test_a_fresh_process_loads_no_more_than_it_needs(code: str, absent: set[str]) -> None:
    out = subprocess.run([sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"], capture_output=True,
                         text=True, check=True, cwd=ROOT)  # fmt: skip
    assert not {name.split(".")[0] for name in out.stdout.split()} & absent
