"""Results folders as one frame of trials: tolerates torn lines and rows of older versions."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from analysis.numbers import visible
from analysis.results import data_sets, protocol_view
from analysis.results.kept import study_bytes
from analysis.results.merged import merged, replaced, taken_out
from analysis.results.outcomes import FINAL, checked, conflicts
from analysis.results.protocol_view import Damaged, Protocol
from analysis.results.records import PACKED, TEXTS, as_texts, each, flat, with_study

NUMBERS = ("seed", "train_seed", "twin", "val_accuracy", "test_accuracy", "train_loss", "test_loss", "parameters",
           "macs", "shortcuts", "long_shortcuts", "epochs", "warmup_epochs", "seconds", "device_seconds", "threads",
           "peak_memory_bytes", "chance", "latency", "epochs_before", "score", "returned_to")  # fmt: skip


class Spent(NamedTuple):
    kind: str
    epochs: float
    warmup_epochs: float  # of them, those that trained the weights alone
    device_seconds: float
    needs: tuple[str, ...]


@dataclass(frozen=True)
class Results:
    """One or several results folders: what was planned, and what came of it, one row a key."""

    study: Mapping[str, Any]
    trials: pd.DataFrame
    folders: tuple[Path, ...]
    torn: int = 0  # lines that could not be read
    unplanned: int = 0  # rows of no job of the plan, left out
    taken_out: tuple[Mapping[str, Any], ...] = ()  # table rows that were planned or trained, and are no longer
    replaced: tuple[str, ...] = ()  # table rows that have finished trainings of no job of the plan as well
    conflicts: tuple[str, ...] = ()  # keys whose final rows differ
    protocols: tuple[Protocol, ...] = ()  # one a folder

    @property
    def name(self) -> str:
        return str(self.study.get("name", "study"))

    @property
    def together(self) -> Sequence[str]:
        """The names of the studies that are put together; none where it is one."""
        names: Sequence[str] = self.study.get("names") or ()
        return names if len(names) > 1 else ()

    @property
    def differ(self) -> Sequence[str]:
        """The fields in which studies that are put together are not alike."""
        fields: Sequence[str] = self.study.get("differ") or ()
        return fields

    @property
    def preregistered(self) -> bool:
        """Of one folder: no protocol fixed beforehand that several would be put together."""
        return len(self.protocols) == 1 and self.protocols[0].preregistered

    @property
    def first_rows(self) -> frozenset[str] | None:
        """The table rows that a protocol fixed first; None where none did."""
        return self.protocols[0].first_rows if self.preregistered else None

    @cached_property
    def added(self) -> frozenset[str]:
        """Table rows, twins' among them, that were not fixed first."""
        first = self.protocols[0].first.get("rows") if self.preregistered else None
        return _names(self.study.get("rows", [])) - _names(first) if first else frozenset()

    def may_confirm(self, methods: Collection[str]) -> bool:
        """Whether a comparison of these table rows can confirm something: all was fixed before any of their trainings
        was there, nothing that was there was replaced since, and none is `failed`, which runs again."""
        seen = self.protocols[0].reused_keys if self.preregistered else None
        if seen is None or self.replaced or self.added.intersection(methods):
            return False
        own = [self.trainings(method) for method in methods]
        return all(seen.isdisjoint(one["key"]) and not (one["status"] == "failed").any() for one in own)

    def trainings(self, method: str) -> pd.DataFrame:
        """The final trainings that the table row `method` uses."""
        return self.trials.loc[self._of_method.get(method, [])]

    @cached_property
    def home(self) -> dict[str, str]:
        """Each row's study, by key."""
        return dict(zip(self.trials["key"], self.trials["study"], strict=True))

    @cached_property
    def spent(self) -> dict[str, Spent]:
        """What each trial cost, by key."""
        columns = (self.trials[name] for name in ("kind", "epochs", "warmup_epochs", "device_seconds", "needs"))
        each = (Spent(*values) for values in zip(*columns, strict=True))
        return dict(zip(self.trials["key"], each, strict=True))

    @cached_property
    def _of_method(self) -> dict[str, list[int]]:
        trained = self.trials.loc[self.trials["kind"] == "train", "methods"].explode()
        return {str(method): list(index) for method, index in trained.groupby(trained).groups.items()}


def _names(rows: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    return frozenset(str(name) for row in rows for name in (row["method"], row.get("twin")) if name)


def load(folders: Path | Sequence[Path]) -> Results:
    """Rows and study of `folders`. Raises FileNotFoundError where one has no study.json, ValueError where it is none,
    Damaged where a row has another shape.

    Folders of one study are put together; methods of different studies get their study's name in front. A row stands
    for every method whose plan has its key, and only rows that some plan has are taken. Their order means nothing.
    """
    found = [(_study(path), path) for path in ((folders,) if isinstance(folders, Path) else folders)]
    found.sort(key=lambda pair: (pair[0]["name"], json.dumps(pair[0], sort_keys=True), str(pair[1].resolve())))
    lines = [list(each(path)) for _, path in found]
    protocols = [protocol_view.read(path, (record.get("protocol") for record in own if record))
                 for (_, path), own in zip(found, lines, strict=True)]  # fmt: skip
    studies = [protocol_view.as_fixed(study, p) for (study, _), p in zip(found, protocols, strict=True)]
    several = len({study["name"] for study in studies}) > 1
    named = with_study if several else lambda record, _: dict(record)
    records: list[dict[str, Any]] = []
    torn = 0
    for (_, path), study, own in zip(found, studies, lines, strict=True):
        for number, record in enumerate(own, 1):
            torn += record is None
            if record is not None:
                records.append(_trial(record, study, named, f"{path}, row {number}"))
    rows = [named(row, study["name"]) for p, study in zip(protocols, studies, strict=True) for row in p.rows]
    studies = [{**study, **{part: [named(item, study["name"]) for item in study.get(part, [])]
                            for part in ("rows", "plan")}} for study in studies]  # fmt: skip
    study = merged(studies)
    planned, unplanned = _planned(records, study["plan"])
    return Results(study, frame(planned), tuple(path for _, path in found), torn, unplanned,
                   taken_out(study, rows, records), replaced(study, records), tuple(conflicts(planned)),
                   tuple(protocols))  # fmt: skip


def _trial(record: dict[str, Any], study: Mapping[str, Any], named: Callable[[dict[str, Any], str], dict[str, Any]],
           where: str) -> dict[str, Any]:  # fmt: skip
    """Raises Damaged where a field is of another shape than any run gives it."""
    try:
        record = named(as_texts(record), study["name"])
        data = data_sets.of_row(study, record)
        more = {"study": study["name"], "data": data_sets.text(data), "chance": data_sets.chance(study, data)}
        return {**checked(flat(record)), **more}
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise Damaged(f"{where} was not written by a run ({error}); mend or remove its line") from None


def _planned(records: Sequence[dict[str, Any]], plan: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    """The records that the plan has, each with all methods that it is for; and how many keys it lacks."""
    if not plan:
        return list(records), 0
    methods = {job["key"]: tuple(job.get("methods") or [job.get("method")]) for job in plan}
    mine = [{**record, "methods": methods[record["key"]]} for record in records if record["key"] in methods]
    return mine, len({record["key"] for record in records} - methods.keys())


def frame(records: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """One row a key, sorted by key: the last final one, else the last (docs/rows.md). Absent fields: None or NaN."""
    chosen: dict[str, Mapping[str, Any]] = {}
    for record in records:
        known = chosen.get(record["key"])
        if known is None or record["status"] in FINAL or known["status"] not in FINAL:
            chosen[record["key"]] = record
    ordered = [chosen[key] for key in sorted(chosen)]
    columns: dict[str, Any] = {name: pd.Series([r.get(name) for r in ordered], dtype=object) for name in _OBJECTS}
    columns |= {name: np.array([_number(r.get(name)) for r in ordered], dtype=float) for name in NUMBERS}
    return pd.DataFrame(columns, index=range(len(ordered)))


_OBJECTS = (*TEXTS, *PACKED, "methods", "needs", "warnings", "dirty", "tuned", "starts", "match", "scored_by",
            "of_trained", "study", "schema", "curve", "snapshots", "history")  # fmt: skip


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")


def _study(folder: Path) -> dict[str, Any]:
    path = folder / "study.json"
    try:
        study = json.loads(study_bytes(folder))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is no study: {error}") from None
    if not isinstance(study, dict):
        raise ValueError(f"{path} is no study: it holds no object")
    found: dict[str, Any] = visible({"name": folder.resolve().name, **study})
    return found
