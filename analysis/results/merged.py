"""Several studies as one, and the table rows that a study once had."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from analysis.results.outcomes import FINAL

SETUP = ("space", "space_options", "data", "table", "search", "recipe", "seeds", "smallest_effect",
         "equivalence_margin", "alpha", "looks", "primary")  # fmt: skip
Row = Mapping[str, Any]


def merged(studies: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The first study, with the rows and plans of all; `names` and `studies` are all of them, and `differ` the fields
    in which they do.

    Of several the strictest of what decides: the smallest effect, the lowest α and the most looks. No question was
    primary for all of them.
    """
    rows = {row["method"]: row for study in studies for row in study.get("rows", [])}
    plan: dict[str, dict[str, Any]] = {}
    for job in (job for study in studies for job in study.get("plan", [])):
        methods = job.get("methods") or [job.get("method")]
        known = plan.setdefault(job["key"], {**job, "methods": []})
        known["methods"] = list(dict.fromkeys([*known["methods"], *methods]))
    names = list(dict.fromkeys(study["name"] for study in studies))
    differ = [field for field in SETUP if any(study.get(field) != studies[0].get(field) for study in studies)]
    found = {**studies[0], "name": " + ".join(names), "names": names, "studies": [*studies], "differ": differ,
             "notes": list(dict.fromkeys(note for study in studies for note in study.get("notes", []))),
             "rows": list(rows.values()), "plan": list(plan.values()),
             "alpha_labels": _common_labels(studies)}  # fmt: skip
    return {**found, **_strictest(studies)} if len(studies) > 1 else found


def _common_labels(studies: Sequence[Row]) -> dict[str, Any]:
    """Labels of those arrays of α that are labelled alike wherever they occur: α of another cell has other edges."""
    labelled = [item for study in studies for item in (study.get("alpha_labels") or {}).items()]
    return {name: labels for name, labels in labelled if all(other == labels for one, other in labelled if one == name)}


def _strictest(studies: Sequence[Row]) -> dict[str, Any]:
    looking = [study.get("looks") or [] for study in studies if study.get("sequential")]
    margins = [study["equivalence_margin"] for study in studies if study.get("equivalence_margin")]
    return {
        "smallest_effect": min(float(study.get("smallest_effect") or 0.2) for study in studies),
        "alpha": min(float(study.get("alpha") or 0.05) for study in studies),
        "equivalence_margin": min(margins) if len(margins) == len(studies) else None,
        "primary": None,
        "sequential": bool(looking),
        "looks": max(looking, key=lambda looks: (len(looks), looks), default=[]),
    }


def _epochs(method: str) -> int | None:
    """Of a table row's name, such as darts-A@20."""
    _, at, epochs = method.rpartition("@")
    return int(epochs) if at and epochs.isdecimal() else None


def replaced(study: Row, records: Iterable[Row]) -> tuple[str, ...]:
    """Rows of the table of which finished trainings are of no job any more: seeds or settings were changed since."""
    there = {row["method"] for row in study["rows"]} | {row.get("twin") for row in study["rows"]}
    planned = {job["key"] for job in study["plan"]}
    gone = [record for record in records if record["kind"] == "train" and record["key"] not in planned]
    return tuple(sorted({record["method"] for record in gone if record["status"] in FINAL} & there)) if planned else ()


def taken_out(study: Row, fixed: Iterable[Row], records: Iterable[Row]) -> tuple[Row, ...]:
    """Rows that the protocol fixed or that were trained, and that the table lacks, or has without their twins."""
    if not study["rows"]:
        return ()
    there = {row["method"]: row.get("twin") for row in study["rows"]}
    known = {*there, *there.values()}
    lost = {row["method"]: row for row in fixed if row.get("role") != "twin"}
    trained = [record for record in records if record.get("kind") == "train"]
    twins = {record["twin_of"]: record["method"] for record in trained if record.get("twin_of")}
    for record in trained:
        if record["role"] in ("method", "baseline"):
            method = record["method"]
            row = {
                "method": method,
                "twin": twins.get(method),
                "role": record["role"],
                "search_epochs": _epochs(method),
            }
            lost.setdefault(method, row)
    return tuple(row for name, row in sorted(lost.items())
                 if (name not in known) or (name in there and row.get("twin") and not there[name]))  # fmt: skip
