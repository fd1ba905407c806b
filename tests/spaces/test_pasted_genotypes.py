"""Genotypes as people paste them: every notation is read as what it means, or refused in a line that names it."""

import re
from typing import Any

import pytest

from spaces.architecture import Cells, Edge
from spaces.cells import genotype
from spaces.cells.space import CellSpace

NORMAL = [("sep_conv_3x3", 0), ("sep_conv_3x3", 1), ("skip_connect", 0), ("sep_conv_5x5", 2), ("skip_connect", 0),
          ("dil_conv_3x3", 3), ("max_pool_3x3", 1), ("dil_conv_5x5", 4)]  # fmt: skip
REDUCE = [("max_pool_3x3", 0), ("max_pool_3x3", 1), ("skip_connect", 2), ("max_pool_3x3", 1), ("avg_pool_3x3", 0),
          ("skip_connect", 2), ("skip_connect", 3), ("max_pool_3x3", 1)]  # fmt: skip
Pairs = list[tuple[str, int]]


def text(normal: Any = NORMAL, reduce: Any = REDUCE, concat: str = "range(2, 6)") -> str:
    return f"Genotype(normal={normal}, normal_concat={concat}, reduce={reduce}, reduce_concat={concat})"


def edges(pairs: Pairs) -> tuple[Edge, ...]:
    return tuple(sorted(Edge(source, 2 + place // 2, name) for place, (name, source) in enumerate(pairs)))


MEANT = Cells(2, (2, 3, 4, 5), edges(NORMAL), edges(REDUCE))


def nested(pairs: Pairs) -> list[Pairs]:
    return [pairs[place : place + 2] for place in range(0, len(pairs), 2)]


def aimed(pairs: Pairs, order: str) -> list[tuple[Any, ...]]:
    ends = [{"o": name, "s": source, "t": 2 + place // 2} for place, (name, source) in enumerate(pairs)]
    return [tuple(end[sign] for sign in order) for end in ends]


ONE = text()
NOTATIONS = {
    "plain": ONE,
    "by place": f"Genotype({NORMAL}, range(2, 6), {REDUCE}, range(2, 6))",
    "named": f"DARTS_V9 = {ONE}",
    "of a module": f"cell = genotypes.{ONE}",
    "wrapped": ONE.replace(", ", ",\n\t"),
    "nested per node": text(nested(NORMAL), nested(REDUCE)),
    "nested tuples": text(tuple(map(tuple, nested(NORMAL))), tuple(map(tuple, nested(REDUCE)))),
    "nested lists": text([[list(pair) for pair in node] for node in nested(NORMAL)], REDUCE),
    "one nested, one flat": text(nested(NORMAL), REDUCE),
    "weights": text([(*pair, 0.25) for pair in NORMAL], [(*pair, 0.5) for pair in REDUCE]),
    "nested weights": text(nested([(*pair, 0.25) for pair in NORMAL]), REDUCE),  # type: ignore[misc]
    "weights between": text([(name, 0.25, source) for name, source in NORMAL]),
    "source first": text([(source, name) for name, source in NORMAL]),
    "operation, source, target": text(aimed(NORMAL, "ost"), aimed(REDUCE, "ost")),
    "operation, target, source": text(aimed(NORMAL, "ots"), aimed(REDUCE, "ots")),
    "source, target, operation": text(aimed(NORMAL, "sto"), aimed(REDUCE, "sto")),
    "targets in any order": text(aimed(NORMAL, "ots")[::-1], aimed(REDUCE, "ots")),
    "targets and weights": text([(*one, 0.1) for one in aimed(NORMAL, "ots")]),
    "list of a range": text(concat="list(range(2, 6))"),
    "numpy's range": text(concat="np.array([2, 3, 4, 5])"),
    "numpy's numbers": ONE.replace("('sep_conv_3x3', 1)", "('sep_conv_3x3', np.int64(1))"),
    "numpy's texts": ONE.replace("'sep_conv_3x3'", "np.str_('sep_conv_3x3')").replace("np.str_", "str"),
    "log line": f"03/21 10:12:13 PM genotype = {ONE}",
    "log of another clock": f"2024-03-21 22:12:13,456 INFO genotype = {ONE}\n",
    "log with brackets": f"[2024-03-21 22:12:13] (epoch 49): {ONE} [valid 97.1 %]",
    "log of the same twice": f"epoch 48 genotype = {ONE}\nepoch 49 genotype = {ONE}\n",
    "module": "from collections import namedtuple\n\nGenotype = namedtuple('Genotype', 'normal normal_concat reduce "
              f"reduce_concat')\n\nPRIMITIVES = ['none', 'skip_connect']\n\n# V0 = Genotype(normal=[])\nV1 = {ONE}\n",
    "class": f"class Genotype(NamedTuple):\n    normal: list\n\nDARTS = {ONE}",
    "comment behind": f"V1 = {ONE}  # 97.24 %",
    "Windows": ONE.replace(" ", "\r\n"),
    "byte-order mark": "\ufeff" + ONE,
}  # fmt: skip


@pytest.mark.parametrize("name", NOTATIONS)
def test_a_notation_is_read_as_what_it_means(name: str) -> None:
    assert CellSpace.named("cell-darts").parse(NOTATIONS[name]) == MEANT


@pytest.mark.parametrize("reduce", ["None", "[]", "()", None])
@pytest.mark.parametrize("concat", ["None", "[]", "range(2, 6)"])
def test_a_genotype_without_a_reduction_cell(reduce: str | None, concat: str) -> None:
    more = "" if reduce is None else f", reduce={reduce}, reduce_concat={concat}"
    given = f"Genotype(normal={NORMAL}, normal_concat=range(2, 6){more})"
    assert genotype.parse(given) == Cells(2, (2, 3, 4, 5), edges(NORMAL))
    with pytest.raises(ValueError, match="this space has a reduction cell"):
        CellSpace.named("cell-darts").parse(given)


def test_none_is_no_operation() -> None:
    given = text([("none", 0), *NORMAL[1:]])
    assert CellSpace.named("cell-darts").parse(given).normal == edges(NORMAL)[1:]


MODULE = "\n".join(f"V{number} = {text(NORMAL[: 2 * number] + REDUCE[2 * number :])}" for number in range(1, 5))
LAST = MODULE + "\nDARTS = V4\n"


@pytest.mark.parametrize(("name", "number"), [("V1", 1), ("V2", 2), ("V3", 3), ("V4", 4), ("DARTS", 4)])
def test_a_module_s_genotypes_are_chosen_by_name(name: str, number: int) -> None:
    found = CellSpace.named("cell-darts").parse(LAST, name)
    assert found.normal == edges(NORMAL[: 2 * number] + REDUCE[2 * number :])


@pytest.mark.parametrize(
    ("given", "name", "says"),
    [
        (LAST, "", "there are several genotypes: V1, V2, V3, V4, DARTS; give one"),
        (LAST, "V5", "there is no genotype 'V5'; there are V1, V2, V3, V4, DARTS"),
        (f"{text()}\n{text(REDUCE)}", "", "there are several genotypes: number 1, number 2"),
        ("\n".join(f"V{n} = {text(NORMAL[: 2 * (n % 4)] + REDUCE[2 * (n % 4) :])}" for n in range(90)), "",
         "V18, V19 and 70 more"),
        ("import os", "V1", "there is no genotype 'V1'"),
    ],
    ids=["several", "another", "without names", "ninety", "none"],
)  # fmt: skip
def test_several_genotypes_are_listed(given: str, name: str, says: str) -> None:
    with pytest.raises(ValueError, match="this is no Genotype") as error:
        CellSpace.named("cell-darts").parse(given, name)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


WRONG = {
    "a field twice": (ONE.replace("reduce=", "normal=", 1), "one of its fields appears twice"),
    "incomplete last node": (text(NORMAL[:-1]), "node 5 has one"),
    "one pair": (text(NORMAL[:1]), "node 2 has one"),
    "misspelt field": (ONE.replace("normal_concat", "normal_concta"), "do you mean normal_concat?"),
    "another field": (ONE.replace("reduce=", "reduction="), "it has no field 'reduction'"),
    "field too many": (ONE.replace("Genotype(", "Genotype(name='x', "), "it has no field 'name'"),
    "missing field": (f"Genotype(normal={NORMAL}, reduce={REDUCE})", "it lacks normal_concat"),
    "five by place": (f"Genotype({NORMAL}, [2], {REDUCE}, [2], 1)", "more than these four fields"),
    "both nested and flat": (text([*nested(NORMAL)[:3], *NORMAL[6:]]), "both edges and lists of edges"),
    "later source": (text([("sep_conv_3x3", 2), *NORMAL[1:]]), "node 2 takes an earlier node, not 2"),
    "negative source": (text([("sep_conv_3x3", -1), *NORMAL[1:]]), "node 2 takes an earlier node, not -1"),
    "two operations": (text([("sep_conv_3x3", "skip_connect"), *NORMAL[1:]]), "an edge is a pair (operation, source)"),
    "numbers alone": (text([(3, 0), *NORMAL[1:]]), "an edge is a pair (operation, source)"),
    "a half source": (text([("sep_conv_3x3", 0.5), *NORMAL[1:]]), "an edge is a pair (operation, source)"),
    "mixed triples": (text([*aimed(NORMAL, "ots")[:4], *aimed(NORMAL, "ost")[4:]]), "neither number is always"),
    "local targets": (text([(name, place // 2, source) for place, (name, source) in enumerate(NORMAL)]),
                      "neither number is always"),
    "cut": (ONE[:80], "not written as Python writes it"),
    "stray quote": (ONE.replace("'sep_conv_3x3', 0", "'sep_conv_3x3, 0"), "not written as Python writes it"),
    "expression": (text("NORMAL * 2"), "neither a list, a text nor a number"),
    "call": (text("__import__('os').listdir('/')"), "neither a list, a text nor a number"),
    "text": (text("'sep_conv_3x3'"), "normal is a list of edges"),
    "concat of texts": (text(concat="['2', '3']"), "normal_concat is a list of nodes"),
    "endless range": (text(concat="range(10**9)"), "neither a list"),
    "long range": (text(concat="range(999999999)"), "a range has one to three whole numbers"),
    "deep": (text("[" * 500 + "]" * 500), ""),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_read_is_refused_in_one_line_that_names_the_notation(name: str) -> None:
    given, says = WRONG[name]
    with pytest.raises(ValueError, match="this is no Genotype") as error:
        CellSpace.named("cell-darts").parse(given)
    assert says in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("", "is no cell architecture"),
        ("x " * 9000, "is no cell architecture"),
        ("cells inputs=2 concat=a normal=0>1:conv_3x3", "'a' is no number of a node"),
        ("cells inputs=x concat=2 normal=0>1:conv_3x3", "'x' is no number of a node"),
        ("cells inputs=2 concat=2 normal=0-1:conv_3x3", "'0-1:conv_3x3' is no edge"),
        ("cells inputs=2 concat=2 normal=0>1:conv_3x3, 1>2:conv_3x3", "without blanks"),
        ("cells inputs=2 concat=2 normal=0>2:conv_3x3 reducton=0>1:conv_3x3", "a cell architecture has inputs, concat"),
        ("cells inputs=2 concat=" + "9" * 5000 + " normal=0>1:conv_3x3", "is no number of a node"),
    ],
)
def test_our_own_notation_is_refused_in_one_line_too(given: str, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)) as error:
        CellSpace.named("cell-darts").parse(given)
    assert len(str(error.value)) < 200
