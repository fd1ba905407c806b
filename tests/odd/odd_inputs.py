"""Odd studies, folders, rows, arguments and environments, as hypothesis samples them; and what a command may answer."""

import contextlib
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import strategies as st

from harness.cli import main
from tests.driven import STUDY, ran
from tests.studies import as_toml

VALUES = (None, True, 0, -1, 2, 0.5, 10**30, 1e308, float("nan"), float("inf"), "", "x", "n" * 300, "a\nb", "\x1b[2J",
          "=1+1", "<b>|", "../up", "/", "é", [], {}, [[]], [None], {"a": {}}, [1, "x"], {"0": []})  # fmt: skip
LINES = (b"5", b"[]", b"{}", b"null", b'"x"', b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 50_000, b"1e999",
         b'{"key": "a", "status": "done"}', b"\0" * 40)  # fmt: skip
FILES = ("study.json", "trials.jsonl", "protocol.jsonl", "report/table.csv", "report/report.json", "report/index.html",
         "running.json", ".lock", "published.csv")  # fmt: skip
STUDY_VALUES: dict[str, Any] = {
    "name": "driven", "space": "shortcut-vgg11", "task": "harness.training.formula:stand_in",
    "data": {"name": "digits", "image_size": 32}, "seeds": {"search": 1}, "search": {"epochs": 2, "snapshots": [1, 2]},
    "recipe": {"epochs": 2, "lr": 1e-6}, "space_options": {"width": 0.125},
    "method": [{"name": "darts-A", "rule": "A", "twins": 1}, {"name": "baseline"}],
}  # fmt: skip
TUNING = [{"name": "t", "trials": 2, "ranges": {"lr": {"low": 1e-7, "high": 1e-6}}}]
SETS = ("recipe.lr=inf", "recipe.lr", "=1", "method=[1]", "method.a.b=1", "method.darts-A.twins=2", "recipe.epochs=1",
        "name=other", f"name={'n' * 300}", "a.b.c=1", "seeds.search=1_000_000_000", "recipe.clip=nan", "data=1",
        "space=subprocess:Popen", "space=odd.half_written:Half", "data.name=shutil:rmtree",
        "recipe.epochs=" + "9" * 5000,
        "looks=[2,3]", "task=images:x", "search.strategy=odd.half_written:nothing", "method.darts-A.rule=C",
        "recipe.pretrained=neighbour/file", "recipe.pretrained=study.toml", "space_options.vgg=[1]", "x=" + "[" * 2000,
        "method.darts-A.architecture=vgg11 9-1", "data.name=folder:..", "recipe.tuned=t")  # fmt: skip
PATHS = ("", ".", "..", "/", "no", "study.toml", "results", "results/driven", "results/driven/study.json", "neighbour",
         "neighbour/file", "/dev/null", "/dev/full", "no/such/folder", "n" * 300, "/proc/self/mem", "a\nb")  # fmt: skip
ENVIRONMENTS = ({}, {"COLUMNS": "0"}, {"COLUMNS": "x"}, {"NAS_HARNESS_DATA": "no/such"}, {"HOME": "/no"},
                {"NAS_HARNESS_DATA": "/dev/null"}, {"TERM": "dumb"}, {"LC_ALL": "C"})  # fmt: skip


@dataclass
class Case:
    """A command in a folder of its own; `files`: what was done to them before."""

    words: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    spoils: list[tuple[str, ...]] = field(default_factory=list)
    study: str = STUDY


COMMANDS = (
    "run",
    "run",
    "run",
    "report",
    "report",
    "verify",
    "verify",
    "status",
    "tune",
    "plan",
    "probe",
    "decode",
    "check",
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    command = draw(st.sampled_from(COMMANDS))
    spoils = [(draw(st.sampled_from(FILES)), draw(st.sampled_from(WAYS)), str(draw(st.integers(0, 10**6))))
              for _ in range(draw(st.sampled_from([0, 0, 1, 2])))]  # fmt: skip
    study = draw(st.one_of(st.just(STUDY), st.just(STUDY), studies()))
    return Case([command, *draw(WORDS[command])], draw(st.sampled_from(ENVIRONMENTS)), spoils, study)


@st.composite
def studies(draw: st.DrawFn) -> str:
    """The study with one value changed, or with a tuning; or no study at all."""
    values = json.loads(json.dumps(STUDY_VALUES))
    if draw(st.booleans()):
        values["tuning"] = json.loads(json.dumps(TUNING))
    if draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from(["", "=", "name = 1", "[" * 3000, "name = 2020-01-01", "\0", "x = " + "1" * 5000]))
    path = draw(st.sampled_from(list(paths(values))))
    replace(values, path, draw(st.sampled_from([value for value in VALUES if value is not None])))
    try:
        return as_toml(values)
    except (TypeError, AttributeError):  # a table's name for no table
        return "name = []"


def paths(value: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in inner:
        yield (*before, name)
        yield from paths(part, (*before, name))


def replace(value: Any, path: tuple[Any, ...], new: Any) -> None:
    for name in path[:-1]:
        value = value[name]
    value[path[-1]] = new


def words(*more: st.SearchStrategy[list[str]]) -> st.SearchStrategy[list[str]]:
    return st.tuples(*more).map(lambda parts: [word for part in parts for word in part])


def maybe(*options: str, values: tuple[str, ...] = ()) -> st.SearchStrategy[list[str]]:
    given = st.sampled_from(options).flatmap(
        lambda option: st.sampled_from(values).map(lambda value: [option, value]) if values else st.just([option])
    )
    return st.one_of(*[st.just(list[str]())] * 7, given)  # most are given what they need, so that others are reached


NUMBERS = ("-1", "0", "1", "2", "nan", "inf", "x", "", "9" * 30, "1e400")
NAMED = st.one_of(*[st.just(["study.toml"])] * 7, st.sampled_from(PATHS).map(lambda path: [path]))
FOLDER = st.one_of(*[st.just(["results/driven"])] * 7, st.sampled_from(PATHS).map(lambda p: [p]))
OF_STUDY = (NAMED, maybe("--set", values=SETS), maybe("--results", values=PATHS), maybe("--recipe", values=PATHS),
            maybe("--data-root", values=PATHS), maybe("--device", values=("cpu", "cuda", "x", "cuda:9", "mps")),
            maybe("--cpus-per-trial", values=("1", "search=2", "x=1", *NUMBERS)))  # fmt: skip
RUNS = (st.just(["--executor", "in-process"]), maybe("--time-limit", "--disk-limit", values=NUMBERS),
        maybe("--pack", values=NUMBERS), maybe("--path", values=("x", "eager contiguous")),
        maybe("--reuse", values=PATHS))  # fmt: skip
SPACES = ("shortcut-vgg11", "cell-study1", "no", "odd.half_written:Half", "odd.half_written:none", "os:system", "json:",
          ":", "a\nb", "odd.broken_module:X", "")  # fmt: skip
OPTIONS = ("width=0.0625", "width=inf", "width=0", "x=1", "=", "nodes=10**9", "nodes=9999999", "operations=[1]", "a")
WORDS = {
    "run": words(*OF_STUDY, *RUNS, maybe("--change"), maybe("--until", values=("decided",)),
                 maybe("--max-seeds", values=("-1", "2", "x", "9" * 30))),
    "plan": words(*OF_STUDY, st.just(["--set", "seeds.search=x"])),  # whole plans are measured, which takes seconds
    "tune": words(*OF_STUDY, *RUNS, maybe("--tuning", values=("t", "x")), maybe("--export", values=PATHS),
                  maybe("--export-sqlite", values=PATHS)),
    "probe": words(*OF_STUDY, st.just(["--set", "seeds.search=x"]), maybe("--seconds", values=NUMBERS)),
    "status": words(st.one_of(FOLDER, NAMED), maybe("--results", values=PATHS)),
    "report": words(FOLDER, st.one_of(st.just([]), st.just([]), FOLDER), maybe("--out", values=PATHS),
                    maybe("--published", values=PATHS)),
    "verify": words(FOLDER, maybe("--rerun", values=("-1", "0", "1", "x", "9" * 30)), maybe("--seed", values=NUMBERS),
                    maybe("--keys", values=("a", ",", "", "a,b")), maybe("--trust")),
    "decode": words(st.sampled_from(["vgg11 1-3", "vgg11 9-1", "source,", "source,target,x\n1,2,3", "Genotype(", "",
                                     "cells inputs=1 concat=1 normal=", *PATHS]).map(lambda text: [text]),
                    st.sampled_from(SPACES).map(lambda space: ["--space", space]), maybe("--rule", values=("A", "x")),
                    maybe("--svg", values=PATHS), maybe("--option", values=OPTIONS)),
    "check": words(st.sampled_from(SPACES[2:]).map(lambda space: [space]), maybe("--option", values=OPTIONS)),
}  # fmt: skip


def _line(path: Path, which: int) -> None:
    lines = path.read_bytes().splitlines() or [b""]
    lines[which % len(lines)] = LINES[which // 7 % len(LINES)]
    path.write_bytes(b"\n".join(lines) + b"\n" * (which % 3 > 0))


def _value(path: Path, which: int) -> None:
    """Changes one value, anywhere, or takes it away."""
    lines = path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]
    at = which % max(1, len(lines))
    found = json.loads(lines[at])
    there = list(paths(found))
    chosen = there[which // 11 % len(there)]
    if which % 5:
        replace(found, chosen, VALUES[which // 3 % len(VALUES)])
    else:
        for name in chosen[:-1]:
            found = found[name]
        del found[chosen[-1]]
        found = json.loads(lines[at]) | (found if len(chosen) == 1 else {})
    lines[at] = json.dumps(found)
    path.write_text("\n".join(lines) + "\n")


def _spoil(path: Path, way: str, which: int, neighbour: Path) -> None:
    if way == "value" and path.is_file():
        with contextlib.suppress(ValueError, OSError, LookupError, TypeError, AttributeError):
            return _value(path, which)
    if way == "line" and path.is_file():
        return _line(path, which)
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    if way == "folder":
        path.mkdir()
    elif way == "link":
        path.symlink_to(neighbour / ("file" if which % 2 else "none"))
    elif way == "pipe":
        os.mkfifo(path)
    elif way == "empty":
        path.touch()


WAYS = ("value", "value", "value", "line", "line", "line", "folder", "link", "pipe", "empty", "gone")


def base(place: Path) -> Path:
    """A finished study with its report, a neighbour that nobody may touch."""
    ran(place / "made")
    (place / "results").mkdir()
    shutil.move(place / "made" / "driven", place / "results" / "driven")
    (place / "neighbour").mkdir()
    (place / "neighbour" / "file").write_text("precious")
    answer(Case(["report", "results/driven"]), place)
    return place


def prepared(case: Case, base: Path, place: Path) -> None:
    shutil.copytree(base, place, dirs_exist_ok=True)
    (place / "study.toml").write_text(case.study)
    for name, way, which in case.spoils:
        with contextlib.suppress(NotADirectoryError, FileExistsError):
            _spoil(place / "results" / "driven" / name, way, int(which), place / "neighbour")


def answer(case: Case, place: Path) -> tuple[int, str, str]:
    """(exit status, output, errors) of the command in this process."""
    out, err, before = io.StringIO(), io.StringIO(), Path.cwd()
    os.chdir(place)
    try:
        with (contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings(),
              patch.dict(os.environ, case.environment)):  # fmt: skip
            warnings.simplefilter("ignore")
            try:
                main(case.words)
            except SystemExit as end:
                return int(end.code or 0), out.getvalue(), err.getvalue()
    finally:
        os.chdir(before)
    raise AssertionError("it did not exit")


def real(case: Case, place: Path) -> tuple[int, str, str]:
    """As `answer`, of a process of its own, which can write ASCII alone."""
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", **case.environment}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [os.getcwd(), str(TESTS), os.environ.get("PYTHONPATH")]))
    done = subprocess.run([sys.executable, "-m", "harness", *case.words], capture_output=True, cwd=place,
                          env=environment, stdin=subprocess.DEVNULL, timeout=300)  # fmt: skip
    return done.returncode, done.stdout.decode("ascii"), done.stderr.decode("ascii")


TESTS = Path(__file__).parents[1]


def look(folder: Path) -> dict[str, str]:
    """Everything below, with a hash of the content."""
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            for path in sorted(folder.rglob("*"))}  # fmt: skip


def fault(status: int, out: str, err: str) -> str:
    """What is wrong with an answer; '' where nothing is."""
    if status not in (0, 1, 2):
        return f"status {status}"
    if "Traceback" in out + err:
        return "a traceback"
    lines = err.splitlines()
    if status == 2 and not (lines and lines[-1].startswith("nas-harness")):
        return "no line says why"
    said = [line for line in lines if line.startswith("nas-harness") and not line.startswith(NOTES)]
    return "several lines" if status == 2 and len(said) != 1 else ""


NOTES = ("nas-harness: methods ", "nas-harness: the study is not as it was")
