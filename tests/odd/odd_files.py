"""Odd changes of a results folder's files: of its lines, of one value anywhere inside, of what a file is."""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

from harness.plan.keys import content_key
from harness.plan.settings import RESOLVED
from harness.storage.checkpoint import packed, unpacked

VALUES = (None, True, 0, -1, 2, 0.5, 10**30, 10**400, 1e308, float("nan"), float("inf"), "", "x", "n" * 300, "a\nb",
          "\x1b[2J", "=1+1", "<b>|", "../up", "/", "é", "1", "done", [], {}, [[]], [None], {"a": {}}, [1, "x"],
          {"0": []}, [[1, 2], [3]], [[0.5, "x"]], {"a": float("nan")}, [{"epoch": 1}], [1] * 40)  # fmt: skip
LINES = (b"5", b"[]", b"{}", b"null", b'"x"', b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 50_000, b"1e999",
         b'{"key": "a", "status": "done"}', b"\0" * 40)  # fmt: skip
FILES = (*["study.json"] * 3, *["trials.jsonl"] * 6, *["protocol.jsonl"] * 3, "report/table.csv", "report/report.json",
         "report/index.html", "running.json", ".lock", "published.csv", *["checkpoints"] * 2)  # fmt: skip
WAYS = (*["value"] * 9, *["line"] * 3, "folder", "link", "pipe", "empty", "gone")


def paths(value: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """To everything inside."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in inner:
        yield (*before, name)
        yield from paths(part, (*before, name))


def replace(value: Any, path: tuple[Any, ...], new: Any) -> None:
    for name in path[:-1]:
        value = value[name]
    value[path[-1]] = new


def spoil(folder: Path, name: str, way: str, seed: int, neighbour: Path) -> None:
    """Changes the file `name` of the results folder, or leaves something else in its place, or nothing."""
    path, rng = folder / name, Random(seed)
    if name == "checkpoints" and way in ("value", "line"):
        return _checkpoint(folder, rng)
    if way == "value" and path.is_file():
        with contextlib.suppress(ValueError, OSError, LookupError, TypeError, AttributeError, RecursionError):
            return _values(path, rng)
    if way == "line" and path.is_file():
        return _line(path, rng)
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    if way == "folder":
        path.mkdir()
    elif way == "link":
        path.symlink_to(neighbour / rng.choice(["file", "none"]))
    elif way == "pipe":
        os.mkfifo(path)
    elif way == "empty":
        path.touch()


def _line(path: Path, rng: Random) -> None:
    lines = path.read_bytes().splitlines() or [b""]
    lines[rng.randrange(len(lines))] = rng.choice(LINES)
    path.write_bytes(b"\n".join(lines) + b"\n" * rng.randrange(3))


def _values(path: Path, rng: Random) -> None:
    """Changes values of one object; often so that its key, or the hash of all entries, is still right."""
    lines = path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]
    at = rng.randrange(len(lines))
    found = json.loads(lines[at])
    for _ in range(rng.choice([1, 1, 2])):
        change(found, rng)
    lines[at] = json.dumps(found)
    text = "\n".join(lines) + "\n"
    if path.name == "protocol.jsonl" and rng.random() < 0.7:
        text = _chained(lines)
    if path.name == "trials.jsonl" and rng.random() < 0.5:
        planned = {name: value for name, value in found["settings"].items() if name not in RESOLVED}
        return _forge(path.parent, found["key"], content_key(planned), text)
    path.write_text(text)


def change(found: Any, rng: Random) -> None:
    """One value anywhere inside: another one, none, one more, another's."""
    inside, name = _chosen(found, rng)
    way = rng.choice(["replace"] * 5 + ["remove", "more", "swap", "wrap"])
    if way == "remove":
        del inside[name]
    elif way == "more" and isinstance(inside[name], list):
        inside[name].append(deepcopy(rng.choice([*VALUES, *inside[name]])))
    elif way == "swap":
        other, there = _chosen(found, rng)
        inside[name] = json.loads(json.dumps(other[there]))
    elif way == "wrap":
        inside[name] = [inside[name]]
    else:
        inside[name] = deepcopy(rng.choice(VALUES))  # what is put in may be changed in its turn


def _chosen(found: Any, rng: Random) -> tuple[Any, Any]:
    """An object or a list, and a name or a number in it; as likely in every part, however large the part is."""
    while True:
        name = rng.choice(list(found) if isinstance(found, dict) else range(len(found)))
        inner = found[name]
        if not (isinstance(inner, dict | list) and inner and rng.random() < 0.75):
            return found, name
        found = inner


def _chained(lines: list[str]) -> str:
    """The entries with the hashes that they would have."""
    before, out = "0" * 64, []
    for line in lines:
        entry = {name: value for name, value in json.loads(line).items() if name != "hash"} | {"before": before}
        text = json.dumps(entry, sort_keys=True, separators=(",", ":"))
        before = hashlib.sha256(text.encode()).hexdigest()
        out.append(json.dumps({**entry, "hash": before}))
    return "\n".join(out) + "\n"


def _forge(folder: Path, old: str, new: str, rows: str) -> None:
    """Another key of a trial, wherever it stands."""
    (folder / "trials.jsonl").write_text(rows.replace(old, new))
    (folder / "study.json").write_text((folder / "study.json").read_text().replace(old, new))


def _checkpoint(folder: Path, rng: Random) -> None:
    """Changes one of the checkpoint of a trial that then has no row, or replaces it all."""
    kept, home = folder.parent.parent / "checkpoints", folder / "checkpoints"
    if not os.path.lexists(home):
        home.mkdir()
    chosen = rng.choice(sorted(kept.iterdir()))
    if (path := folder / "trials.jsonl").is_file():
        own = f'"key": "{chosen.name}"'.encode()  # bytes: another change may have left what is no text
        path.write_bytes(b"".join(line for line in path.read_bytes().splitlines(keepends=True) if own not in line))
    if not home.is_dir():
        return  # by another change before
    shutil.copytree(chosen, home / chosen.name, dirs_exist_ok=True)
    file = home / chosen.name / "000001.pt"
    state = unpacked(file) or {}
    state["outcome"] = json.loads(state["outcome"])
    state["work"]["values"] = json.loads(state["work"]["values"])
    for _ in range(rng.choice([1, 1, 2])):
        change(state, rng)
    for inside, name in ((state, "outcome"), (state.get("work"), "values")):
        if isinstance(inside, dict) and name in inside and rng.random() < 0.9:
            inside[name] = json.dumps(inside[name])
    file.write_bytes(rng.choice([b"", b"x" * 40, packed(state), packed(state), packed(state)]))
