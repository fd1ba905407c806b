"""The wheels that a kit brings, of the versions in constraints.txt, for a machine other than this one."""

import re
import subprocess
import sys
from pathlib import Path

from gpu_kit.unpack import Unusable

# What `run` imports and machines with torch may lack, with all that these need in turn.
SMALL = (
    "annotated-types", "cffi", "deap", "jinja2", "markdown-it-py", "markupsafe", "mdurl", "moocore", "networkx",
    "platformdirs", "pycparser", "pydantic", "pydantic-core", "pygments", "rich", "tabulate", "typing-extensions",
    "typing-inspection",
)  # fmt: skip
# What there is beside torch in most of them, too.
LARGE = (
    "cloudpickle", "contourpy", "cycler", "fonttools", "joblib", "kiwisolver", "matplotlib", "narwhals", "numpy",
    "packaging", "pandas", "pillow", "pyarrow", "pyparsing", "python-dateutil", "scikit-learn", "scipy", "six",
    "threadpoolctl",
)  # fmt: skip
PLATFORMS = ("manylinux2014_x86_64", *(f"manylinux_2_{minor}_x86_64" for minor in range(28, 16, -1)))  # of glibc 2.28


def fetch(into: Path, python: str, names: tuple[str, ...], constraints: Path) -> None:
    """Downloads the wheels for Linux on x86-64 with Python `python`, such as 3.12. Raises Unusable."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
               "--only-binary=:all:", "--implementation", "cp", "--python-version", python,
               "--dest", str(into)]  # fmt: skip
    platforms = [word for name in PLATFORMS for word in ("--platform", name)]
    done = subprocess.run([*command, *platforms, *pinned(names, constraints)], capture_output=True, text=True)
    if done.returncode:
        reasons = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        raise Unusable(
            f"pip could not fetch the wheels for Python {python} ({reasons[-1] if reasons else 'no reason'})"
        )


def pinned(names: tuple[str, ...], constraints: Path) -> list[str]:
    """NAME==VERSION for each. Raises Unusable where the constraints name no version."""
    lines = [line.strip() for line in constraints.read_text().splitlines() if "==" in line]
    known = {_normal(line.split("==")[0]): line for line in lines}
    if missing := [name for name in names if name not in known]:
        raise Unusable(f"{constraints} names no version of {', '.join(missing)}")
    return [known[name] for name in names]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
