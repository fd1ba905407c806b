"""What the random twins of a report share with the networks that they stand beside, in words."""

from collections.abc import Mapping, Sequence

from analysis.results.rows import Results
from analysis.results.table import Line, family

COUNT = "count"
SHORT: Mapping[str, str] = {
    COUNT: "of equal count",
    "targets": "with as many shortcuts into each block",
    "parameters": "of equal count and nearly equal parameters",
}
SAMPLED: Mapping[str, str] = {
    COUNT: "exactly as many shortcuts",
    "targets": "exactly as many shortcuts into each block",
    "parameters": "exactly as many shortcuts whose own parameters differ by at most 5 % (of cells: exactly as many of "
    "each operation)",
}


def matches(results: Results, table: Sequence[Line]) -> dict[str, list[str]]:
    """What is matched → the rows of such twins, without their search epochs; in the table's order."""
    found: dict[str, list[str]] = {}
    for twin in dict.fromkeys(family(line.twin) for line in table if line.twin):
        mine = [line.twin for line in table if line.twin and family(line.twin) == twin]
        said = [match for row in mine for match in results.trainings(row)["match"].dropna()]
        found.setdefault(str(said[0]) if said else COUNT, []).append(twin)
    return found


def in_words(found: Mapping[str, Sequence[str]], words: Mapping[str, str]) -> str:
    """ "of equal count", or each kind with the names of its twins where there are several."""
    if len(found) < 2:
        return words.get(next(iter(found), COUNT), words[COUNT])
    return " or ".join(f"{words.get(match, match)} ({', '.join(names)})" for match, names in found.items())


def short(results: Results, table: Sequence[Line]) -> str:
    return in_words(matches(results, table), SHORT)


def sentence(results: Results, table: Sequence[Line]) -> str:
    """Of the methods paragraph; nothing where there are no twins."""
    found = matches(results, table)
    if not found:
        return ""
    plain = [*found] == [COUNT]
    judged = "judged by the same table" if results.study.get("table") else \
        "trained with the same recipe, seed, images and order"  # fmt: skip
    return (
        "Each searched architecture is compared with random twins: sampled uniformly from the "
        f"{'' if plain else 'other '}architectures that the same rule can give with {in_words(found, SAMPLED)}, and "
        f"{judged}.{' Counts are matched, parameters are not.' if plain else ''}"
    )
