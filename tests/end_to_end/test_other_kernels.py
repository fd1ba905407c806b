"""What is kept in results/ holds on other processors: NumPy and OpenBLAS take other kernels, in processes of their own.

They round differently. A folder is verified, its report made anew, and both compared with what is kept.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

from analysis.report.compare import differences
from analysis.results.kept import content

RESULTS = Path(__file__).parents[2] / "results"
FOLDERS = ["shortcut-cifar10-mini", "cell-cifar10-mini", "tune-cifar10-mini"]
AVAILABLE = [name for name in __cpu_dispatch__ if __cpu_features__[name]]  # beyond the oldest processor's
WIDEST = [name for name in AVAILABLE if name.startswith("AVX512") or name == "X86_V4"]
KERNELS = {"without AVX": ("Prescott", AVAILABLE), **({"without AVX-512": ("Haswell", WIDEST)} if WIDEST else {})}


def child(kernels: str, *arguments: str) -> str:
    core, disabled = KERNELS[kernels]
    chosen = {"OPENBLAS_CORETYPE": core, "NPY_DISABLE_CPU_FEATURES": " ".join(disabled)}
    done = subprocess.run([sys.executable, *arguments], env={**os.environ, **chosen}, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("kernels", KERNELS)
def test_the_processes_take_other_kernels(kernels: str) -> None:
    code = "from numpy._core._multiarray_umath import __cpu_features__ as f; print(*[n for n in f if f[n]])"
    assert not set(child(kernels, "-c", code).split()) & set(KERNELS[kernels][1])


@pytest.mark.long
@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("name", FOLDERS)
def test_kept_results_hold(name: str, kernels: str) -> None:
    said = child(kernels, "-m", "harness", "verify", str(RESULTS / name))
    assert said.strip().endswith("tables, keys and architectures hold")


@pytest.mark.long
@pytest.mark.parametrize("name", FOLDERS[:2])
def test_a_report_made_there_is_the_kept_one(name: str, tmp_path: Path) -> None:
    kept = RESULTS / name / "report"
    shutil.copytree(RESULTS / name, tmp_path / name, ignore=shutil.ignore_patterns("report"))
    child("without AVX", "-m", "harness", "report", str(tmp_path / name))
    shutil.rmtree(tmp_path / name / "report" / "data")  # every run as a table, which is not kept
    names = {str(path.relative_to(kept)).removesuffix(".xz") for kind in ("csv", "csv.xz", "txt", "md", "tex")
             for path in kept.rglob(f"*.{kind}") if path.parent.name != "data"}  # fmt: skip
    texts = {name: content(kept / name).decode() for name in names}
    assert len(texts) > 20
    assert differences(tmp_path / name / "report", texts) == []
