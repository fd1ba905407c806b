"""Genotypes in pasted text, a log or a module: found and read as values. Nothing in the text is ever executed."""

import ast
import re
import warnings
from collections.abc import Iterator
from typing import Any

CALL = re.compile(r"(?:\b(?P<name>\w+)\s*=\s*)?(?:\b\w+\.)*\b(?P<call>Genotype\s*\()")
WRAPPERS = (
    "list",
    "tuple",
    "array",
    "asarray",
    "tensor",
    "int",
    "float",
    "str",
    "int32",
    "int64",
    "float32",
    "float64",
)
LONGEST = 100_000  # characters that are looked at
SHOWN = 20  # names in a message


def is_genotype(text: str) -> bool:
    return next(_found(text), None) is not None


def chosen(text: str, name: str = "") -> ast.Call:
    """The call of Genotype in `text`, or the one called `name`. Raises ValueError where there is none, or several."""
    calls: dict[str, str] = {}
    for number, (called, call) in enumerate(_found(text), 1):
        calls[called or f"number {number}"] = call
    calls |= {alias: calls[known] for alias, known in _aliases(text) if known in calls}
    if name and name not in calls:
        raise ValueError(f"there is no genotype '{name}'; there are {_listed(calls)}")
    if not name and len(set(calls.values())) > 1:
        raise ValueError(f"there are several genotypes: {_listed(calls)}; give one, as its text or as FILE:NAME")
    if not calls:
        raise ValueError("no call of Genotype")
    return _parsed(calls[name] if name else next(iter(calls.values())))


def value(node: ast.expr) -> Any:
    """A literal, a range of literals, or numpy's and Python's types around literals. Raises ValueError."""
    match node:
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [value(item) for item in items]
        case ast.Constant(value=found):
            return found
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as found)):
            return -found
        case ast.Call(func=function, args=arguments) if _last(function) == "range":
            ends = [value(argument) for argument in arguments]
            if not 1 <= len(ends) <= 3 or not all(type(end) is int and abs(end) < 1000 for end in ends):
                raise ValueError("a range has one to three whole numbers")
            return list(range(*ends))
        case ast.Call(func=function, args=[only, *_]) if _last(function) in WRAPPERS:
            return value(only)
    raise ValueError(f"'{ast.unparse(node)[:40]}' is neither a list, a text nor a number")


def _found(text: str) -> Iterator[tuple[str, str]]:
    """(name or '', the call's text) of each, but for comments and definitions."""
    text = text[:LONGEST]
    for match in CALL.finditer(text):
        line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()].strip()
        if not line.startswith("#") and not line.endswith(("class", "def")):
            yield match["name"] or "", text[match.start("call") : _end(text, match.end())]


def _end(text: str, start: int) -> int:
    """Behind the bracket that closes the one before `start`."""
    depth, quote = 1, ""
    for place in range(start, len(text)):
        sign = text[place]
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        else:
            depth += (sign in "([{") - (sign in ")]}")
            if not depth:
                return place + 1
    return len(text)


def _parsed(call: str) -> ast.Call:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes
            found = ast.parse(call, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"it is not written as Python writes it ({str(error)[:60]})") from None
    if not isinstance(found, ast.Call):
        raise ValueError("no call of Genotype")
    return found


def _aliases(text: str) -> list[tuple[str, str]]:
    return re.findall(r"^(\w+)\s*=\s*(\w+)\s*$", text[:LONGEST], re.MULTILINE)


def _last(function: ast.expr) -> str:
    """`array` of `np.array`."""
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _listed(calls: dict[str, str]) -> str:
    more = f" and {len(calls) - SHOWN} more" if len(calls) > SHOWN else ""
    return ", ".join(list(calls)[:SHOWN]) + more
