"""Odd studies, folders, rows, arguments and environments, as hypothesis samples them."""

import json
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from odd.odd_files import FILES, VALUES, WAYS, paths, replace

from tests.studies import as_toml

STUDY_VALUES: dict[str, Any] = {
    "name": "driven", "space": "shortcut-vgg11", "task": "harness.training.formula:stand_in",
    "data": {"name": "digits", "image_size": 32}, "seeds": {"search": 1}, "search": {"epochs": 2, "snapshots": [1, 2]},
    "recipe": {"epochs": 2, "lr": 1e-6}, "space_options": {"width": 0.125},
    "method": [{"name": "darts-A", "rule": "A", "twins": 1}, {"name": "baseline"}],
    "tuning": [{"name": "t", "trials": 3, "pruner": "none", "ranges": {"lr": {"low": 1e-7, "high": 1e-6}}}],
}  # fmt: skip
STUDY = as_toml(STUDY_VALUES)
SETS = ("recipe.lr=inf", "recipe.lr", "=1", "method=[1]", "method.a.b=1", "method.darts-A.twins=2", "recipe.epochs=1",
        "name=other", f"name={'n' * 300}", "a.b.c=1", "seeds.search=1_000_000_000", "recipe.clip=nan", "data=1",
        "space=subprocess:Popen", "space=odd.half_written:Half", "data.name=shutil:rmtree",
        "recipe.epochs=" + "9" * 5000,
        "looks=[2,3]", "task=images:x", "search.strategy=odd.half_written:nothing", "method.darts-A.rule=C",
        "recipe.pretrained=neighbour/file", "recipe.pretrained=study.toml", "space_options.vgg=[1]", "x=" + "[" * 2000,
        "method.darts-A.architecture=vgg11 9-1", "data.name=folder:..", "recipe.tuned=t", "seeds.search=2")  # fmt: skip
PATHS = ("", ".", "..", "/", "no", "study.toml", "results", "results/driven", "results/driven/study.json", "neighbour",
         "neighbour/file", "/dev/null", "/dev/full", "no/such/folder", "n" * 300, "/proc/self/mem", "a\nb")  # fmt: skip
ENVIRONMENTS = ({}, {"COLUMNS": "0"}, {"COLUMNS": "x"}, {"NAS_HARNESS_DATA": "no/such"}, {"HOME": "/no"},
                {"NAS_HARNESS_DATA": "/dev/null"}, {"TERM": "dumb"}, {"LC_ALL": "C"})  # fmt: skip
COMMANDS = (*["run"] * 4, "report", *["verify"] * 3, *["status"] * 2, *["tune"] * 2, "plan", "probe", "decode", "check")


@dataclass
class Case:
    """A command in a folder of its own; `spoils`: what was done before to which of its files, each with a seed."""

    words: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    spoils: list[tuple[str, str, int]] = field(default_factory=list)
    study: str = STUDY


@st.composite
def cases(draw: st.DrawFn) -> Case:
    command = draw(st.sampled_from(COMMANDS))
    spoils = [(draw(st.sampled_from(FILES)), draw(st.sampled_from(WAYS)), draw(st.integers(0, 10**6)))
              for _ in range(draw(st.sampled_from([0, 1, 1, 2])))]  # fmt: skip
    study = draw(st.one_of(st.just(STUDY), st.just(STUDY), studies()))
    return Case([command, *draw(WORDS[command])], draw(st.sampled_from(ENVIRONMENTS)), spoils, study)


@st.composite
def studies(draw: st.DrawFn) -> str:
    """The study with one value changed; or no study at all."""
    values = json.loads(json.dumps(STUDY_VALUES))
    if draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from(["", "=", "name = 1", "[" * 3000, "name = 2020-01-01", "\0", "x = " + "1" * 5000]))
    path = draw(st.sampled_from(list(paths(values))))
    replace(values, path, draw(st.sampled_from([value for value in VALUES if value is not None])))
    try:
        return as_toml(values)
    except (TypeError, AttributeError):  # a table's name for no table
        return "name = []"


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
    "tune": words(*OF_STUDY, *RUNS, maybe("--tuning", values=("t", "x")),
                  st.one_of(st.just([]), st.sampled_from(["out", *PATHS]).map(lambda path: ["--export", path]),
                            st.sampled_from(["out", *PATHS]).map(lambda path: ["--export-sqlite", path]))),
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
