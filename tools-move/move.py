"""Moves a checkout's modules into rooms: cd CHECKOUT && python tools-move/move.py [--keep-going]. Run on a clean one."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import engine
import mapping
import patches

ROOT = Path.cwd()
RUFF = os.environ.get("RUFF", ".venv/bin/ruff")


def git(*arguments):
    subprocess.run(["git", *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def as_path(module):
    return module.replace(".", "/") + ".py"


def commands():
    """Each function behind a command goes to that command's module, as `command`."""
    tree = ast.parse((ROOT / "harness/cli.py").read_text())
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "COMMANDS":
            for key, value in zip(node.value.keys, node.value.values):
                mapping.SYMBOLS["harness.cli", value.id] = (f"harness.commands.{key.value.replace('-', '_')}", "command")


def tests():
    """old path → new path"""
    out = {}
    for folder, names in mapping.TESTS.items():
        for name in names.split():
            old, _, new = name.partition(">")
            out[f"tests/test_{old}.py"] = os.path.normpath(f"tests/{folder}/test_{new or old}.py")
    for path in sorted((ROOT / "tests").glob("test_*.py")):
        name = f"tests/{path.name}"
        if path.name.startswith("test_analysis_"):
            out[name] = f"tests/analysis/{path.name.replace('analysis_', '')}"
        elif name not in out and path.name != "test_layers.py":
            engine.warn(f"{name} has no room: left where it is")
            out[name] = name
    return out


def deeper(text, depth):
    """`Path(__file__)` of a test that lies `depth` folders deeper than before."""
    text = re.sub(r"Path\(__file__\)((?:\.resolve\(\))?)\.parents\[(\d)\]", lambda m: f"Path(__file__){m[1]}.parents[{int(m[2]) + depth}]", text)
    text = re.sub(r"Path\(__file__\)((?:\.resolve\(\))?)\.parent\.parent\b", rf"Path(__file__)\1.parents[{1 + depth}]", text)
    return re.sub(r"Path\(__file__\)((?:\.resolve\(\))?)\.parent(?![s.\w])", rf"Path(__file__)\1.parents[{depth}]", text)


def main():
    commands()
    moved_tests = tests()
    files = {as_path(old): as_path(new) for old, new in mapping.MODULES.items()} | mapping.FILES | moved_tests
    mover = engine.Mover(ROOT, mapping.MODULES, mapping.SYMBOLS, mapping.DOCS, mapping.FIRST, mapping.HEADS,
                         patches.HOIST, mapping.DIRECT, mapping.EXPRESSIONS, files, mapping.ALIASES, patches.DROP)
    mover.check()
    built = mover.build()
    scripts = [p for folder in ("tests", "benchmarks", "examples") for p in sorted((ROOT / folder).rglob("*.py"))]
    texts = {}
    for path in scripts:
        name = str(path.relative_to(ROOT))
        if name in patches.REMOVED:
            continue
        text = mover.rewrite(path.read_text(), "", name)
        new = moved_tests.get(name, name)
        texts[name] = deeper(text, new.count("/") - name.count("/")) if new != name else text
    if engine.ERRORS:
        print("\n".join(["ERRORS", *engine.ERRORS]), file=sys.stderr)
        if "--keep-going" not in sys.argv:
            sys.exit(1)

    for old, new in mapping.MODULES.items():
        if old in mover.known and old != new:
            (ROOT / as_path(new)).parent.mkdir(parents=True, exist_ok=True)
            git("mv", as_path(old), as_path(new))
    for new, text in built.items():
        path = ROOT / as_path(new)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        for folder in (path.parent,):
            if folder.parent != ROOT and not (folder / "__init__.py").exists():
                (folder / "__init__.py").write_text("")
    for package in ("spaces", "analysis"):
        (ROOT / package / "__init__.py").write_text("")
    for old, new in mapping.FILES.items():
        if (ROOT / old).exists():
            git("mv", old, new)
    for name in patches.REMOVED:
        if (ROOT / name).exists():
            git("rm", "-q", "-f", name)
    for name, text in texts.items():
        new = moved_tests.get(name, name)
        if new != name:
            (ROOT / new).parent.mkdir(parents=True, exist_ok=True)
            git("mv", name, new)
        (ROOT / new).write_text(text)
    for path in others():
        text = path.read_text()
        new = mover.names_in_text(text)
        if new != text:
            path.write_text(new)
    for source in sorted((HERE / "files").rglob("*")):
        if source.is_file():
            target = ROOT / source.relative_to(HERE / "files")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    patch()
    folders = ["harness", "spaces", "analysis", "tests", "benchmarks", "examples"]
    subprocess.run([RUFF, "check", "-q", "--fix", "--select", "I,F401,UP", *folders], cwd=ROOT)
    subprocess.run([RUFF, "format", "-q", *folders], cwd=ROOT)
    patches.finish(ROOT, engine.warn)
    subprocess.run([RUFF, "check", "-q", "--fix", "--select", "I,F401", *folders], cwd=ROOT)
    subprocess.run([RUFF, "format", "-q", *folders], cwd=ROOT)
    git("add", "-A", ".")
    print("\n".join(["WARNINGS", *dict.fromkeys(engine.WARNINGS)]), file=sys.stderr)


def others():
    for pattern in ("*.md", "docs/*.md", "benchmarks/*.md", "*.yaml", "*.yml", "Makefile", "harness/studies/*.toml",
                    "examples/*/*.toml", "tests/**/*.md", ".ci/*"):
        yield from (p for p in sorted(ROOT.glob(pattern)) if "results" not in p.parts and "schema-1" not in p.parts)


def patch():
    for name, old, new in patches.PATCHES:
        path = ROOT / name
        if not path.exists():
            engine.warn(f"patch: there is no {name}")
            continue
        text = path.read_text()
        if old not in text:
            engine.warn(f"patch of {name}: not found: {old[:70]!r}")
            continue
        path.write_text(text.replace(old, new))


main()
