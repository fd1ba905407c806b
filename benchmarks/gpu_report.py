"""What `benchmarks.gpu` measured, as a page of Markdown."""

from collections.abc import Iterable, Iterator
from typing import Any

from benchmarks.measure import Comparison, table

Found = dict[str, Any]
LISTED = 25  # kernels


def markdown(found: Found) -> str:
    parts = [_head(found), *_kernels(found["kernels"]), *_switches(found), *_equality(found["equality"]),
             *_packs(found["packs"]), *_whole(found["whole run"])]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _head(found: Found) -> str:
    machine, size = found["machine"], found["size"]
    device = ", ".join(machine["gpus"]) or f"no GPU ({machine['processor']})"
    return (
        f"# {size['vgg'].upper()} × {size['width']:g} on {device}\n\n"
        f"{found['precision']}, torch {found['versions']['torch']}, commit {found['commit']}, {machine['at']}, load "
        f"{machine['load'][0]}. Batch 64, images {found['images']}, {size['steps']} steps a round, {size['rounds']} "
        f"rounds."
    )


def _kernels(tables: Found) -> Iterator[str]:
    for path, rows in tables.items():
        yield f"## What a step launches: {path}"
        if isinstance(rows, dict):
            yield _error(rows)
            continue
        count, time = sum(row[1] for row in rows), sum(row[2] for row in rows)
        yield f"{count} kernels, {time / 1000:.3f} ms on the device."
        yield _table(("kernel", "times", "µs"), ((name[:80].replace("|", "/"), str(times), f"{us:.1f}")
                                                for name, times, us in rows[:LISTED]))  # fmt: skip


def _switches(found: Found) -> Iterator[str]:
    yield "## A step by each path, A B A B"
    if isinstance(found["switches"], dict):
        yield _error(found["switches"])
        return
    if compared := [one for one in found["switches"] if isinstance(one, Comparison)]:
        yield table(compared)
    yield from (f"`{one['path']}`: {_error(one)}" for one in found["switches"] if isinstance(one, dict))
    yield f"The fastest is `{found['fastest']}`."


def _equality(rows: Any) -> Iterator[str]:
    yield "## The same bits"
    if isinstance(rows, dict):
        yield _error(rows)
        return
    words = {True: "yes", False: "no"}
    yield _table(("path", "twice the same", "as the default"), (
        (one["path"], _error(one), "–") if "error" in one else
        (one["path"], words[one["twice the same"]], words[one["as the default"]]) for one in rows))  # fmt: skip


def _packs(found: Any) -> Iterator[str]:
    yield "## Trials that take turns in one process"
    yield table([found]) if isinstance(found, Comparison) else _error(found)


def _whole(found: Found) -> Iterator[str]:
    yield "## A whole run"
    if "error" in found:
        yield _error(found)
        return
    scored = "" if found["test accuracy"] is None else f" It then has {found['test accuracy']} % on the test images."
    yield (f"{found['epochs']} of {found['of']} epochs by `{found['path']}` took {found['seconds']} s, so all take "
           f"{found['seconds of all']} s.{scored}")  # fmt: skip


def _error(found: Found) -> str:
    return f"failed: {found['error']}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ("---",) * len(head), *rows))
