"""How the searched networks were found, method by method: the sentence of a methods paragraph."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from analysis.numbers import listed
from analysis.results import data_sets
from analysis.results.rows import Results
from analysis.results.table import Line, family

SUPERNETS = ("darts",)  # strategies that train a supernet
TRAINED = (None, "train")  # scores that a table of trainings answers
DRAWN = ("random", "given", "none")  # these search nothing
SAID = ("strategy", "epochs", "snapshots", "trained", "recipe", "candidates", "score")  # by words of their own
Settings = Mapping[str, Any]


def sentences(results: Results, table: Sequence[Line]) -> str:
    """Empty where no row of the table was searched for."""
    searches = {line.method: _search(results, line) for line in table if line.role == "method"}
    found: dict[str, list[Line]] = {}
    for line in table:
        if (search := searches.get(line.method)) and search["strategy"] not in DRAWN:
            found.setdefault(_way(search), []).append(line)
    if not found:
        return ""
    seeds = (results.study.get("seeds") or {}).get("search", "?")
    several = data_sets.several(results.study)
    ways = "; ".join(_one(way, lines, len(found) == 1, several) for way, lines in found.items())
    saw = _saw(results, [searches[line.method] for lines in found.values() for line in lines])
    return " ".join([f"Architectures were found by {ways}. Every search was repeated with {seeds} seeds.", *saw])


def _search(results: Results, line: Line) -> dict[str, Any]:
    """The study's settings with those of the row's method."""
    shared: Settings = results.study.get("search") or {}
    methods: Sequence[Settings] = results.study.get("methods") or ()
    own: Settings = next((one for one in methods if one["name"] == family(line.method).rpartition("/")[2]), {})
    own_search = own.get("search") or {}
    return {**shared, **own_search, "strategy": strategy(results.study, own), "own": own_search}


def strategy(study: Settings, method: Settings) -> str:
    """The method's own, or its study's."""
    shared: Settings = study.get("search") or {}
    return "given" if method.get("architecture") else method.get("strategy") or shared.get("strategy") or "search"


def _way(search: Settings) -> str:
    """`darts in 20 epochs (gate gumbel)`."""
    if search["strategy"] in SUPERNETS:
        effort = f" in {search.get('epochs', '?')} epochs"
    else:
        effort = f" with {search['candidates']} candidates" if search.get("candidates") else ""
        score = search.get("score")
        effort += f", scored by {score}" if score and score != "train" else ""
    more = [f"{name} {value}" for name, value in search["own"].items() if name not in SAID and value is not None]
    return f"{search['strategy']}{effort}{f' ({listed(more)})' if more else ''}"


def _one(way: str, lines: Sequence[Line], alone: bool, several: bool) -> str:
    """`several`: data sets, whose names stand before the methods'."""
    rules = sorted({line.rule for line in lines if line.rule})
    epochs = sorted({line.search_epochs for line in lines if line.search_epochs})
    read = f"read by rule {listed(rules)}" if rules else "read" if epochs else ""
    read += f" after {listed(epochs)} epochs" if epochs else ""
    labels = dict.fromkeys(data_sets.split(line.label)[1] if several else line.label for line in lines)
    return f"{way}{'' if alone else f' for {listed(labels)}'}{f', {read}' if read else ''}"


def _saw(results: Results, searches: Sequence[Settings]) -> Iterator[str]:
    inside = [search["strategy"] in SUPERNETS or search.get("score") == "supernet" for search in searches]
    if any(inside):
        yield "Supernets saw training images only, one part for the weights and one for the architecture."
    others = [search for search, one in zip(searches, inside, strict=True) if not one]
    table = bool(results.study.get("table"))
    looked_up = [table and search.get("score") in TRAINED for search in others]
    means = {"looked up": any(looked_up), "scored on training images only": not all(looked_up)}
    if others:
        how = " or ".join(words for words, used in means.items() if used)
        yield f"{'Other candidates' if any(inside) else 'Candidates'} were {how}."
