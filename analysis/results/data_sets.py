"""A study's data sets: one, or several, whose names then stand in front of the methods' names."""

import json
from collections.abc import Mapping, Sequence
from math import nan
from typing import Any

CLASSES = {"digits": 10, "cifar10": 10, "cifar100": 100, "imagenet16-120": 120}


def listed(study: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What the study says of each."""
    found = study.get("data") or {}
    return list(found) if isinstance(found, list) else [found]


def several(study: Mapping[str, Any]) -> bool:
    """Whether rows are of several data sets, or of studies put together whose data sets have other names."""
    sets = [listed(one) for one in study.get("studies") or [study]]
    return any(len(own) > 1 for own in sets) or len({own[0].get("name") for own in sets if own}) > 1


def names(study: Mapping[str, Any]) -> str:
    return " and ".join(str(data.get("name", "unknown data")) for data in listed(study))


def split(method: str) -> tuple[str, str]:
    """(data set, method without it) of a table row's name; the data set is '' where the study has one alone."""
    data, _, name = method.rpartition("/")
    return data, name


def groups(study: Mapping[str, Any], methods: Sequence[str]) -> dict[str, list[str]]:
    """Data set → its table rows, in order; all under '' where the study has one alone. Of studies put together that
    have several, each study's own are apart."""
    found: dict[str, list[str]] = {}
    apart = several(study)
    for method in methods:
        found.setdefault(split(method)[0] if apart else "", []).append(method)
    return found


def of_row(study: Mapping[str, Any], record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The data set that a row is of: the study's, or the row's own where it has several."""
    sets = listed(study)
    if len(sets) == 1:
        return sets[0]
    settings = record.get("settings") or {}
    table = settings.get("table") or {}
    own: Mapping[str, Any] = settings.get("data") or {}
    return {**own, "judged on": table["data"]} if table.get("data", own.get("name")) != own.get("name") else own


def text(data: Mapping[str, Any]) -> str:
    """What the images are; fields left at nothing say nothing."""
    return json.dumps({name: value for name, value in data.items() if value is not None}, sort_keys=True)


def chance(study: Mapping[str, Any], data: Mapping[str, Any]) -> float:
    """The accuracy of guessing, in percent; NaN where the number of classes is unknown: a run writes it, and where an
    older one did not, somebody may have added `chance` to study.json."""
    name = str(data.get("judged on") or data.get("name"))
    classes = CLASSES.get(name) or (study.get("classes") or {}).get(name) or data.get("classes")
    if classes:
        return 100 / classes
    given = study.get("chance")
    return float(given) if isinstance(given, int | float) else nan
