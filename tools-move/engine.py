"""Moves modules and symbols of a checkout between modules; standard library only. The mapping is in move.py."""

import ast
import builtins
import io
import re
import subprocess
import sys
import textwrap
import tokenize
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

ROOTS = ("harness", "spaces", "analysis")
WARNINGS: list[str] = []
ERRORS: list[str] = []


def warn(text):
    WARNINGS.append(text)


@dataclass(frozen=True)
class Bound:
    """What an import binds: kind 'ext' (text of an import), 'mod' (first-party module), 'sym' (module, name)."""

    kind: str
    module: str = ""
    name: str = ""
    text: str = ""
    typing: bool = False
    asname: str | None = None


@dataclass
class Module:
    name: str
    path: Path
    text: str
    tree: ast.Module
    symbols: dict = field(default_factory=dict)  # name → chunk index
    imports: dict = field(default_factory=dict)  # name → Bound
    chunks: list = field(default_factory=list)


def bindings(node, known_modules, typing=False):
    """name → Bound of one import statement."""
    out = {}
    if isinstance(node, ast.Import):
        for a in node.names:
            text = f"import {a.name}" + (f" as {a.asname}" if a.asname else "")
            out[a.asname or a.name.split(".")[0]] = Bound("ext", text=text, typing=typing)
        return out
    for a in node.names:
        local = a.asname or a.name
        if node.module and node.module.split(".")[0] in ROOTS:
            full = f"{node.module}.{a.name}"
            if full in known_modules:
                out[local] = Bound("mod", full, typing=typing, asname=a.asname)
            else:
                out[local] = Bound("sym", node.module, a.name, typing=typing, asname=a.asname)
        else:
            text = f"from {node.module} import {a.name}" + (f" as {a.asname}" if a.asname else "")
            out[local] = Bound("ext", text=text, typing=typing)
    return out


def defined(node):
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, (ast.AnnAssign, ast.AugAssign)) else []
    names = []
    for t in targets:
        if isinstance(t, ast.Tuple):
            names += [e.id for e in t.elts if isinstance(e, ast.Name)]
        elif isinstance(t, ast.Name):
            names.append(t.id)
        elif isinstance(t, (ast.Attribute, ast.Subscript)):
            names.append("@" + ast.unparse(t))
    return names


def is_typing(node):
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def comment_start(lines, first, last_end):
    """Index (0-based) at which the comments directly before line `first` (0-based) begin."""
    at = first
    while at > last_end and (lines[at - 1].startswith("#")):
        at -= 1
    return at


@dataclass
class Chunk:
    names: list
    node: ast.AST
    start: int  # line, 0-based, comments included
    end: int
    kind: str


def parse_module(name, path, known_modules):
    text = path.read_text()
    tree = ast.parse(text)
    m = Module(name, path, text, tree)
    lines = text.split("\n")
    last = 0
    for i, node in enumerate(tree.body):
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))]) - 1
        if i == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            last = node.end_lineno
            continue
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            m.imports |= bindings(node, known_modules)
            last = node.end_lineno
            continue
        if is_typing(node):
            for inner in node.body:
                m.imports |= bindings(inner, known_modules, typing=True)
            last = node.end_lineno
            continue
        names = defined(node)
        start = comment_start(lines, first, last)
        kind = "expr" if not names else "def" if isinstance(node, (ast.FunctionDef, ast.ClassDef)) else "assign"
        if names and names[0].startswith("@") and names[0][1:].split(".")[0].split("[")[0] in m.symbols:
            # an attribute set on a symbol of this module goes with that symbol
            owner = m.symbols[names[0][1:].split(".")[0].split("[")[0]]
            m.chunks.append(Chunk(m.chunks[owner].names[:1], node, start, node.end_lineno, kind))
        else:
            m.chunks.append(Chunk(names or [], node, start, node.end_lineno, kind))
            for n in names:
                m.symbols[n] = len(m.chunks) - 1
        last = node.end_lineno
    return m


# ---- use of names in a piece of source ----

@dataclass
class Use:
    node: ast.AST
    name: str
    attr: str | None  # used as name.attr
    setattr: str | None  # setattr(name, "attr", …)
    lazy: object  # (Bound, statement) where a function-local import binds it, else None
    weak: tuple = ()  # the names in a text that may be a type


class Uses(ast.NodeVisitor):
    """Names that are not bound by the functions around them, with the lazy imports that bind them."""

    def __init__(self, known_modules):
        self.known, self.uses, self.scopes, self.lazies = known_modules, [], [], []
        self.local_names = set()

    def visit_FunctionDef(self, node):
        for d in node.decorator_list:
            self.visit(d)
        args = node.args
        for a in [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]:
            if a is not None and a.annotation:
                self.annotation(a.annotation)
        for d in [*args.defaults, *args.kw_defaults]:
            if d is not None:
                self.visit(d)
        if node.returns:
            self.annotation(node.returns)
        self.function(node, node.body)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node):
        for d in [*node.args.defaults, *node.args.kw_defaults]:
            if d is not None:
                self.visit(d)
        self.function(node, [node.body])

    def function(self, node, body):
        bound, lazy = set(), {}
        args = node.args
        for a in [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]:
            if a is not None:
                bound.add(a.arg)
        nonlocal_ = set()

        def collect(n, top):
            for child in ast.iter_child_nodes(n):
                if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                    bound.add(child.name)
                    continue
                if isinstance(child, ast.Lambda):
                    continue
                if isinstance(child, (ast.Global, ast.Nonlocal)):
                    nonlocal_.update(child.names)
                if isinstance(child, (ast.Import, ast.ImportFrom)):
                    for local, b in bindings(child, self.known).items():
                        lazy[local] = (b, child)
                    self.lazies.append((child, child in body))
                    continue
                if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
                    bound.add(child.id)
                if isinstance(child, ast.ExceptHandler) and child.name:
                    bound.add(child.name)
                if isinstance(child, (ast.MatchAs, ast.MatchStar)) and child.name:
                    bound.add(child.name)
                collect(child, False)

        for statement in body:
            holder = ast.Module([statement], []) if isinstance(statement, ast.stmt) else ast.Expression(statement)
            collect(holder, True)
        bound -= nonlocal_
        self.local_names |= bound
        self.scopes.append((bound - set(lazy), lazy))
        for statement in body:
            self.visit(statement)
        self.scopes.pop()

    def annotation(self, node):
        for inner in ast.walk(node):
            if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                try:
                    for n in ast.walk(ast.parse(inner.value, mode="eval")):
                        if isinstance(n, ast.Name):
                            self.found(None, n.id)
                except SyntaxError:
                    pass
        self.visit(node)

    def visit_AnnAssign(self, node):
        self.annotation(node.annotation)
        self.visit(node.target)
        if node.value:
            self.visit(node.value)

    def visit_Import(self, node):
        pass

    visit_ImportFrom = visit_Import

    def found(self, node, name, attr=None, setattr_=None):
        for bound, lazy in reversed(self.scopes):
            if name in lazy:
                self.uses.append(Use(node, name, attr, setattr_, lazy[name]))
                return
            if name in bound:
                return
        self.uses.append(Use(node, name, attr, setattr_, None))

    def visit_Name(self, node):
        self.found(node, node.id)

    def visit_Constant(self, node):
        if isinstance(node.value, str) and re.fullmatch(r"[\w .|\[\],]+", node.value):
            for name in re.findall(r"(?<![\w.])[A-Za-z_]\w*", node.value):
                names = tuple(re.findall(r"(?<![\w.])[A-Za-z_]\w*", node.value))
                self.uses.append(Use(None, name, None, None, None, names))

    def visit_Attribute(self, node):
        if isinstance(node.value, ast.Name):
            self.found(node, node.value.id, node.attr)
        else:
            self.visit(node.value)

    def visit_Call(self, node):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name in ("setattr", "delattr") and node.args and isinstance(node.args[0], ast.Name) and len(node.args) > 1 \
                and isinstance(node.args[1], ast.Constant):
            self.visit(node.func)
            self.found(node.args[0], node.args[0].id, None, node.args[1].value)
            for a in node.args[1:]:
                self.visit(a)
            for k in node.keywords:
                self.visit(k)
            return
        self.generic_visit(node)


class Mover:
    def __init__(self, root, modules, symbols, docs, first, heads, hoist, qualified_never, expressions, files, aliases, drop):
        self.root, self.drop = root, drop
        self.map, self.symbol_map, self.docs, self.first = modules, symbols, docs, first
        self.heads, self.hoist, self.direct, self.expressions = heads, hoist, qualified_never, expressions
        self.file_map, self.aliases = files, aliases
        self.known = self.scan()
        self.old = {name: parse_module(name, path, self.known) for name, path in self.known.items()
                    if name in self.map}
        self.follow_helpers()

    def scan(self):
        out = {}
        for package in ROOTS:
            for path in sorted((self.root / package).glob("*.py")):
                if path.stem not in ("__init__", "__main__"):
                    out[f"{package}.{path.stem}"] = path
        return out

    def follow_helpers(self):
        """Private symbols that are used by the symbols of one other new module alone go there with them."""
        for old in self.old.values():
            changed = True
            while changed:
                changed = False
                users = defaultdict(set)
                for chunk in old.chunks:
                    home = self.home_of_chunk(old, chunk)
                    visitor = Uses(self.known)
                    visitor.visit(chunk.node)
                    for use in visitor.uses:
                        if use.name in old.symbols and use.name not in chunk.names:
                            users[use.name].add(home)
                for name in old.symbols:
                    if name.startswith("_") and (old.name, name) not in self.symbol_map and len(users[name]) == 1:
                        home = next(iter(users[name]))
                        if home != self.home(old.name, name)[0]:
                            self.symbol_map[old.name, name] = (home, name)
                            changed = True

    def home(self, module, name):
        """(new module, new name) of an old module's symbol, through re-exports."""
        old = self.old.get(module)
        if old is None:
            return (self.map.get(module, module), name)
        if name in old.symbols or name in ("__name__", "__file__", "__doc__"):
            return self.symbol_map.get((module, name), (self.map[module], name))
        b = old.imports.get(name)
        if b is not None and b.kind == "sym":
            return self.home(b.module, b.name)
        if b is not None and b.kind == "mod":
            return (self.map.get(b.module, b.module).rpartition(".")[0], self.map.get(b.module, b.module).rpartition(".")[2])
        if b is None:
            warn(f"{module} has no {name}")
        return (self.map[module], name)

    def home_of_chunk(self, old, chunk):
        if not chunk.names:
            return self.expressions.get(old.name, self.map[old.name])
        return self.home(old.name, chunk.names[0])[0]

    def check(self):
        for name in self.known:
            if name not in self.map and name not in ("harness.cli", "harness.errors", "harness.extend", "harness.seeding", "harness.api"):
                ERRORS.append(f"{name} is mapped to no room")
        for name in self.map:
            if name not in self.known:
                warn(f"mapped module {name} is not here")
        for (module, name), _ in self.symbol_map.items():
            if module in self.old and name not in self.old[module].symbols:
                warn(f"mapped symbol {module}.{name} is not here")

    # ---- transformation of one piece of text ----

    def local_name(self, new_module, taken, own):
        """Local name under which a module is used in a file in which the names `taken` mean other things."""
        leaf = new_module.rpartition(".")[2]
        if leaf in taken:
            return self.aliases.get(new_module, leaf + "_module")
        return leaf

    def transform(self, text, tree_nodes, imports, own_symbols, here, old_module, keep_imports, offset=0, hoist=False):
        """Edits for the statements `tree_nodes` of `text`. Returns (list of edits, needs).

        needs: set of (kind, module, name, asname, typing)."""
        edits, needs = [], set()
        lazy_needs = defaultdict(set)
        visitor = Uses(self.known)
        for node in tree_nodes:
            visitor.visit(node)
        taken = set(visitor.local_names) | set(own_symbols)
        taken_ext = {n for n, b in imports.items() if b.kind == "ext"}
        renamed = {}

        def needed(use, item):
            if use.lazy and not (hoist and any(st is use.lazy[1] and direct for st, direct in visitor.lazies)):
                lazy_needs[id(use.lazy[1])].add(item)
            else:
                needs.add(item)

        for use in visitor.uses:
            b = use.lazy[0] if use.lazy else imports.get(use.name)
            typing = bool(b and b.typing)
            if use.weak and not any(n in imports and imports[n].typing for n in use.weak):
                continue
            if b is None:
                if use.name in own_symbols and old_module:
                    new_module, new_name = self.home(old_module, use.name)
                    if new_module != here:
                        needed(use, ("sym", new_module, new_name, None, False))
                    if new_name != use.name and use.node is not None:
                        self.edit_name(edits, use, new_name)
                continue
            if b.kind == "ext":
                needed(use, ("ext", b.text, "", None, typing))
                continue
            if b.kind == "sym":
                new_module, new_name = self.home(b.module, b.name)
                asname = b.asname
                if new_module == here:
                    if use.name != new_name:
                        self.edit_name(edits, use, new_name)
                    continue
                local = asname or new_name
                if local != use.name:
                    if local in taken | taken_ext:
                        asname, local = use.name, use.name
                        if asname == new_name:
                            asname = None
                    else:
                        self.edit_name(edits, use, local)
                if asname == new_name:
                    asname = None
                needed(use, ("sym", new_module, new_name, asname, typing))
                continue
            # a module
            attr = use.attr or use.setattr
            if attr is not None:
                old = self.old.get(b.module)
                if use.setattr and old is not None and attr not in old.symbols:
                    home, name = self.map.get(b.module, b.module), attr
                    for chunk in old.chunks:  # patched where it is looked up
                        v = Uses(self.known)
                        v.visit(chunk.node)
                        if any(u.name == attr for u in v.uses):
                            home = self.home_of_chunk(old, chunk)
                            break
                else:
                    home, name = self.home(b.module, attr)
            else:
                home, name = self.map.get(b.module, b.module), None
            if home == here and name is not None and use.attr:
                edits.append((use.node, name))
                continue
            if use.attr and home in self.direct:
                if name in taken | taken_ext or (name in imports and self.bound_home(imports[name]) != (home, name)):
                    alias = self.aliases.get((home, name), name + "_")
                    needed(use, ("sym", home, name, alias, typing))
                    edits.append((use.node, alias))
                else:
                    needed(use, ("sym", home, name, None, typing))
                    edits.append((use.node, name))
                continue
            leaf = home.rpartition(".")[2]
            if b.asname and b.module.rpartition(".")[2] == leaf:
                local = b.asname
            else:
                clash = taken | taken_ext | {n for n, x in imports.items() if x.kind == "sym" and x is not b}
                local = self.local_name(home, clash, here)
            asname = local if local != leaf else None
            needed(use, ("mod", home, "", asname, typing))
            if use.attr:
                edits.append((use.node, f"{local}.{name}"))
            elif use.node is not None:
                if local != use.name:
                    edits.append((use.node, local))
                if use.setattr and name != use.setattr:
                    warn(f"{here}: setattr of {use.setattr}, which is now {name}: by hand")
        return edits, needs, lazy_needs, visitor.lazies

    def bound_home(self, b):
        return self.home(b.module, b.name) if b.kind == "sym" else None

    def edit_name(self, edits, use, new):
        if use.node is None:
            return
        if isinstance(use.node, ast.Attribute):
            edits.append((use.node.value, new))
        else:
            edits.append((use.node, new))

    def render(self, needs):
        """(import lines, type-only lines)"""
        plain, typed = [], []
        strong = {n[:4] for n in needs if not n[4]}
        for kind, module, name, asname, typing in sorted(needs, key=lambda n: tuple(map(str, n))):
            if typing and (kind, module, name, asname) in strong:
                continue
            if kind == "ext":
                line = module
            elif kind == "mod":
                parent, _, leaf = module.rpartition(".")
                line = f"from {parent} import {leaf}" + (f" as {asname}" if asname else "")
            else:
                line = f"from {module} import {name}" + (f" as {asname}" if asname else "")
            (typed if typing else plain).append(line)
        return list(dict.fromkeys(plain)), list(dict.fromkeys(typed))

    def string_edits(self, nodes):
        """(node, new source) for string constants that name modules or files, as they stand in the source."""
        out = []
        for top in nodes:
            for node in ast.walk(top):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    if re.search(r"\b(harness|spaces|analysis)[./]\w|tests/test_|tests\.test_", node.value) or \
                            re.search(r"(from|import) (harness|spaces|analysis)\b", node.value):
                        out.append(node)
        return out

    def names_in_text(self, text):
        """`harness.plan:make` and `harness/plan.py` in running text, by their new homes."""

        def dotted(match):
            module = f"{match[1]}.{match[2]}"
            if module not in self.map:
                return match[0]
            if match[4]:
                old = self.old.get(module)
                if old is not None and match[4] in old.symbols | old.imports:
                    home, name = self.home(module, match[4])
                    return f"{home}{match[3]}{name}"
                if match[3] == ".":
                    return self.map[module] + "." + match[4]
            return self.map[module] + (match[3] or "") + (match[4] or "")

        def path(match):
            return self.file_map.get(match[0], match[0])

        text = re.sub(r"(?<![\w/.])(harness|spaces|analysis)\.([a-z_0-9]+)(?:([.:])([A-Za-z_]\w*))?", dotted, text)
        text = re.sub(r"\b(?:harness|spaces|analysis|tests)/[a-z_0-9]+\.(?:py|html|css)\b", path, text)
        return re.sub(r"\btests\.(test_[a-z_0-9]+)\b", lambda m: self.file_map.get(f"tests/{m[1]}.py", m[0]).removesuffix(".py").replace("/", "."), text)

    def code_in_text(self, text):
        """A string that is itself Python code."""
        body = textwrap.dedent(text)
        try:
            ast.parse(body)
        except SyntaxError:
            return None
        if body != text and body.strip() != text.strip():
            return None
        return self.rewrite(text, "", "a string")


def offsets(text):
    """Byte-wise positions → index in the text."""
    lines = text.split("\n")
    starts, total = [], 0
    for line in lines:
        starts.append(total)
        total += len(line) + 1

    def at(line, column):
        raw = lines[line - 1].encode()[:column]
        return starts[line - 1] + len(raw.decode())

    return at


def apply(text, edits):
    for start, end, new in sorted(edits, key=lambda e: (e[0], e[1]), reverse=True):
        text = text[:start] + new + text[end:]
    return text


def spans(text, edits):
    at = offsets(text)
    out = {}
    for node, new in edits:
        old = ast.unparse(node)
        try:
            start, end = at(node.lineno, node.col_offset), at(node.end_lineno, node.end_col_offset)
        except IndexError:
            start = end = 0
        if text[start:end] == old:
            out[start, end] = new
            continue
        found = 0  # inside an f-string, where Python 3.11 misplaces nodes
        for string in ast.walk(ast.parse(text)):
            if isinstance(string, ast.JoinedStr) and any(ast.dump(n) == ast.dump(node) for n in ast.walk(string)):
                first, last = at(string.lineno, string.col_offset), at(string.end_lineno, string.end_col_offset)
                for m in re.finditer(rf"(?<![\w.]){re.escape(old)}(?!\w)", text[first:last]):
                    before = text[first : first + m.start()]
                    if before.count("{") > before.count("}"):
                        out[first + m.start(), first + m.end()] = new
                        found += 1
        if not found:
            ERRORS.append(f"{old} → {new}: not found in its f-string")
    return [(a, b, new) for (a, b), new in out.items()]


def method(function):
    setattr(Mover, function.__name__, function)
    return function


@method
def statement_lines(self, text, node, lines_new):
    """An edit that replaces a whole statement, indentation kept, trailing comment kept; without lines it goes."""
    lines = text.split("\n")
    at = offsets(text)
    indent = " " * node.col_offset
    start = at(node.lineno, 0)
    end_line = node.end_lineno
    tail = lines[end_line - 1].encode()[node.end_col_offset:].decode()
    if not lines_new:
        end = sum(len(x) + 1 for x in lines[:end_line])
        if end_line < len(lines) and not lines[end_line].strip() and node.col_offset:
            nxt = lines[node.lineno - 2].strip() if node.lineno > 1 else ""
            if not nxt.startswith(("from ", "import ")):
                end += len(lines[end_line]) + 1
        return (start, end, "")
    end = at(end_line, node.end_col_offset)
    first, *rest = lines_new
    new = indent + first + (tail if tail.strip() else "")
    if tail.strip():
        end += len(tail)
    return (start, end, "\n".join([new, *(indent + r for r in rest)]))


@method
def lazy_edits(self, text, lazies, lazy_needs, here, hoist):
    out = []
    for node, direct in lazies:
        if isinstance(node, ast.Import) or not any(
            b.kind != "ext" for b in bindings(node, self.known).values()
        ):
            if hoist and direct and isinstance(node, (ast.Import, ast.ImportFrom)):
                out.append(self.statement_lines(text, node, []))
            continue
        if hoist and direct:
            out.append(self.statement_lines(text, node, []))
            continue
        plain, typed = self.render(lazy_needs.get(id(node), set()))
        if not plain:
            # kept where nothing uses it: it is there for what it does
            if "noqa" in text.split("\n")[node.lineno - 1]:
                plain = self.kept(node, here)
        out.append(self.statement_lines(text, node, plain))
    return out


@method
def kept(self, node, here):
    items = set()
    for local, b in bindings(node, self.known).items():
        if b.kind == "mod":
            new = self.map.get(b.module, b.module)
            items.add(("mod", new, "", b.asname, False))
        elif b.kind == "sym":
            new, name = self.home(b.module, b.name)
            asname = b.asname or (local if local != name else None)
            items.add(("sym", new, name, asname, False))
    return self.render(items)[0]


@method
def comment_edits(self, text):
    out = []
    at = offsets(text)
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                new = self.names_in_text(token.string)
                if new != token.string:
                    lines = text.split("\n")
                    start = sum(len(x) + 1 for x in lines[: token.start[0] - 1]) + token.start[1]
                    out.append((start, start + len(token.string), new))
    except (tokenize.TokenError, IndentationError):
        pass
    return out


@method
def constant_edits(self, text, nodes, where):
    out, at = [], offsets(text)
    inside = {id(v) for top in nodes for j in ast.walk(top) if isinstance(j, ast.JoinedStr) for v in j.values}
    for node in self.string_edits(nodes):
        if id(node) in inside:
            warn(f"{where}:{node.lineno}: an f-string names a module: look at it by hand: {node.value[:60]!r}")
            continue
        start, end = at(node.lineno, node.col_offset), at(node.end_lineno, node.end_col_offset)
        source = text[start:end]
        new = None
        if re.search(r"^\s*(from|import) (harness|spaces|analysis)\b", node.value, re.M) and node.value in source:
            code = self.code_in_text(node.value)
            if code is not None:
                new = source.replace(node.value, code)
        if new is None:
            new = self.names_in_text(source)
            if re.search(r"(from|import) (harness|spaces|analysis)\b", node.value):
                warn(f"{where}:{node.lineno}: code in a string: look at it by hand: {node.value[:70]!r}")
        if new != source:
            out.append((start, end, new))
    return out


@method
def rewrite(self, text, here, where):
    """A file that stays one: tests, benchmarks, examples. Its imports are rewritten in place."""
    tree = ast.parse(text)
    imports, owner, statements = {}, {}, []
    for node in tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for local, b in bindings(node, self.known).items():
                imports[local] = b
                owner[local] = node
            statements.append(node)
    body = [n for n in tree.body if not isinstance(n, (ast.Import, ast.ImportFrom))]
    own = {n for node in body for n in defined(node)}
    edits, needs, lazy_needs, lazies = self.transform(text, body, imports, own, here, None, True)
    out = spans(text, edits) + self.lazy_edits(text, lazies, lazy_needs, here, False)
    used_bound = set()
    wanted = {n for n in needs if n[0] != "ext"}
    # which need comes from which statement: by what its names lead to
    left = set(wanted)
    for node in statements:
        bound = bindings(node, self.known)
        if not any(b.kind != "ext" for b in bound.values()):
            continue
        items, left_now = set(), set()
        for local, b in bound.items():
            if b.kind == "mod":
                homes = {self.map.get(b.module, b.module)}
                old = self.old.get(b.module)
                if old:
                    homes |= {self.home(b.module, s)[0] for s in old.symbols}
                    homes |= {self.home(b.module, s)[0] for s, x in old.imports.items() if x.kind == "sym"}
                mine = {n for n in left if n[1] in homes}
                items |= mine
                if not mine and not any(n[1] in homes for n in wanted):
                    items.add(("mod", self.map.get(b.module, b.module), "", b.asname, False))
            elif b.kind == "sym":
                home, name = self.home(b.module, b.name)
                mine = {n for n in wanted if n[0] == "sym" and n[1] == home and n[2] == name}
                items |= mine or {("sym", home, name, b.asname or (local if local != name else None), False)}
        left -= items
        if where.endswith("far_shortcuts.py") or "noqa" in text.split("\n")[node.lineno - 1]:
            pass
        plain, typed = self.render(items)
        out.append(self.statement_lines(text, node, plain + typed))
    for n in left:
        warn(f"{where}: nothing imports {n}")
    out += self.comment_edits(text)
    out += [e for e in self.constant_edits(text, body, where)]
    text = apply(text, drop_inner(out))

    def test_module(m):
        folder, _, new = self.file_map.get(f"tests/{m[1]}.py", f"tests/{m[1]}.py").removesuffix(".py").replace("/", ".").rpartition(".")
        return f"from {folder} import {new} as {m[2] or m[1]}"

    text = re.sub(r"from tests import (test_\w+)(?: as (\w+))?", test_module, text)
    return re.sub(r"\btests\.(test_[a-z_0-9]+)\b", lambda m: self.file_map.get(f"tests/{m[1]}.py", m[0]).removesuffix(".py").replace("/", "."), text)


def drop_inner(edits):
    """Of edits that lie within others, the outer ones."""
    edits = sorted(set(edits), key=lambda e: (e[0], -e[1]))
    out = []
    for e in edits:
        if out and e[0] < out[-1][1]:
            continue
        out.append(e)
    return out


@method
def build(self):
    """new module → text"""
    parts = defaultdict(list)  # new module → [(old, chunk)]
    for old in self.old.values():
        for chunk in old.chunks:
            if any((old.name, n) in self.drop for n in chunk.names):
                continue
            homes = {self.home(old.name, n)[0] for n in chunk.names if not n.startswith("@")} or {self.home_of_chunk(old, chunk)}
            if len(homes) > 1:
                ERRORS.append(f"{old.name}: {chunk.names} go to different modules")
            parts[homes.pop()].append((old, chunk))
    out = {}
    for new, pieces in parts.items():
        order = self.first.get(new, [])
        rank = {o: i for i, o in enumerate(order)}
        main = [o for o, n in self.map.items() if n == new and o in self.old]
        pieces.sort(key=lambda p: (rank.get(p[0].name, 100 if p[0].name in main else 50), p[0].name, p[1].start))
        names = defaultdict(list)
        for old, chunk in pieces:
            for n in chunk.names:
                names[self.home(old.name, n)[1]].append((old.name, chunk.start))
        for n, where in names.items():
            if len({w[0] for w in where}) > 1:
                ERRORS.append(f"{new}: {n} comes from {where}")
        needs, texts, previous = set(), [], None
        final = set(names)
        for old, chunk in pieces:
            lines = old.text.split("\n")
            piece = "\n".join(lines[chunk.start : chunk.end])
            node_text = "\n" * 0 + piece
            tree = ast.parse(node_text)
            hoist = new in self.hoist
            edits, more, lazy_needs, lazies = self.transform(node_text, tree.body, old.imports, old.symbols, new, old.name,
                                                             False, hoist=hoist)
            own_rename = []
            for n in chunk.names:
                target = self.home(old.name, n)[1]
                if target != n and chunk.kind == "def":
                    head = re.search(rf"^(def|class) {n}\b", node_text, re.M)
                    own_rename.append((head.start(), head.end(), f"{head[1]} {target}"))
            es = spans(node_text, edits) + self.lazy_edits(node_text, lazies, lazy_needs, new, hoist) + own_rename
            es += self.comment_edits(node_text) + self.constant_edits(node_text, tree.body, new)
            needs |= more
            rewritten = apply(node_text, drop_inner(es)).rstrip("\n")
            if previous is not None:
                adjacent = previous[0] is old and previous[1].end <= chunk.start and not "\n".join(lines[previous[1].end : chunk.start]).strip()
                blank = chunk.start - previous[1].end if adjacent else 1
                if chunk.kind == "def" or previous[1].kind == "def":
                    blank = 2
                texts.append("\n" * blank)
            texts.append(rewritten + "\n")
            previous = (old, chunk)
        for kind, module, name, asname, typing in list(needs):
            if kind == "sym" and module == new:
                needs.discard((kind, module, name, asname, typing))
        plain, typed = self.render(needs)
        doc = self.docs.get(new)
        if doc is None and main:
            doc = self.names_in_text(ast.get_docstring(self.old[main[-1]].tree, clean=False) or "")
        if doc is None:
            ERRORS.append(f"{new} has no docstring")
        head = f'"""{doc}"""\n\n' if doc else ""
        head += "".join(f"{line}\n" for line in self.heads.get(new, []))
        if typed:
            plain.append("from typing import TYPE_CHECKING")
        plain.sort(key=lambda l: (not l.startswith("from __future__"), l))
        head += "".join(f"{line}\n" for line in plain)
        if typed:
            head += "\nif TYPE_CHECKING:\n" + "".join(f"    {line}\n" for line in typed)
        out[new] = head + ("\n\n" if pieces and pieces[0][1].kind == "def" else "\n") + "".join(texts)
    return out
