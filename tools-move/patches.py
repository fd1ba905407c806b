"""What is changed by hand: small replacements after the move, each tolerant of code that has changed meanwhile."""

import re

HOIST = {f"harness.commands.{name}" for name in ("run plan probe tune status report verify decode check compare").split()}
DROP = {("harness.cli", "COMMANDS")}
REMOVED = {"tests/test_layers.py", "tests/__init__.py"}
LOADER = 'PackageLoader("analysis", "")'
PATCHES = [  # (file after the move, old text, new text)
    ("harness/cli.py", "sys.exit(COMMANDS[options.command](options))",
     'command = importlib.import_module(f"harness.commands.{options.command}")\n        sys.exit(command.command(options))'),
    ("harness/cli.py", "import os\n", "import importlib\nimport os\n"),
    ("harness/storage/provenance.py", "Path(__file__).resolve().parent.parent", "Path(__file__).resolve().parents[2]"),
    ("harness/ray_tune/nodes.py", '''    for package in ("harness", "spaces"):
        for path in sorted((Path(__file__).resolve().parent.parent / package).glob("*.py")):
            found.update(path.name.encode() + path.read_bytes())
''', '''    root = Path(__file__).resolve().parents[2]
    for package in ("harness", "spaces"):
        for path in sorted((root / package).rglob("*.py")):
            found.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
'''),
    ("harness/training/watchdog.py", r'harness/(trial|jobs)\.py"', r'harness/training/(epochs|run_job)\.py"'),
    ("harness/plan/strategies.py", "`plan.Request` to `plan.Found`s", "`Request` to `Found`s"),
    ("harness/study/schema.py", "(plan.LEFT_OUT)", "(LEFT_OUT)"),
    ("harness/engine/device.py", "(harness.engine.instructions)", "(instructions.py)"),
    ("harness/training/search.py", '"""Raises train.Diverged."""', '"""Raises Diverged."""'),
    ("analysis/report/page.py", LOADER, 'PackageLoader("analysis.report", "")'),
    ("analysis/tuning/pages.py", '    environment = Environment(loader=PackageLoader("analysis", ""), autoescape=True, undefined=StrictUndefined,\n',
     '    templates = ChoiceLoader([PackageLoader("analysis.tuning", ""), PackageLoader("analysis.report", "")])\n'
     '    environment = Environment(loader=templates, autoescape=True, undefined=StrictUndefined,\n'),
    ("analysis/tuning/pages.py", "import Environment, PackageLoader, StrictUndefined", "import ChoiceLoader, Environment, PackageLoader, StrictUndefined"),
    ("pyproject.toml", '[tool.setuptools]\npackages = ["harness", "spaces", "analysis"]\n',
     '[tool.setuptools.packages.find]\ninclude = ["harness*", "spaces*", "analysis*"]\n'),
    ("pyproject.toml", 'analysis = ["*.html", "*.css"]', '"analysis.report" = ["*.html", "*.css"]\n"analysis.tuning" = ["*.html"]'),
    ("pyproject.toml", 'addopts = "', 'addopts = "--import-mode=importlib '),
    ("benchmarks/orchestration.py", "from harness.ray_tune import searcher  # sets what keeps Ray quiet  # noqa: F401  # isort: skip",
     "import harness.ray_tune.environment  # sets what keeps Ray quiet  # noqa: F401  # isort: skip"),
    ("tests/harness/commands/test_probe.py", 'task = "test_probe:one_dies"\\n\' +', 'task = "tests.harness.commands.test_probe:one_dies"\\n\' +'),
    ("tests/analysis/test_report.py", '''for module in pkgutil.iter_modules(analysis.__path__):
    importlib.import_module(f"analysis.{module.name}")
''', '''for module in pkgutil.walk_packages(analysis.__path__, "analysis."):
    importlib.import_module(module.name)
'''),
    ("docs/extending.md", "`harness.DataSet`", "`harness.extend.DataSet`"),
    ("docs/extending.md", "harness.plan.strategies.", "harness.extend."),
]

_EXTEND = re.compile(r"(?:from (?:harness|spaces)\.[\w.]+ import [^\n]+\n)+")


def finish(root, warn):
    for name in ("harness/commands/run", "harness/commands/check", "harness/commands/decode", "harness/commands/verify",
                 "harness/commands/tune", "harness/commands/probe", "harness/commands/plan", "harness/commands/status",
                 "harness/commands/report"):
        change(root / f"{name}.py", r"(\ndef command\([^\n]*:\n(?:    \"\"\"[^\n]*\"\"\"\n)?)\n+", r"\1", warn, True)
    change(root / "harness/commands/run.py", r"(\ndef _until_decided\([^\n]*:\n)\n+", r"\1", warn)
    for name in ("examples/far-shortcuts/far_shortcuts.py", "docs/extending.md"):
        path = root / name
        text = path.read_text()
        found = _EXTEND.search(text)
        names = re.findall(r"import ([^\n]+)\n", found[0]) if found else []
        every = sorted({n.strip() for group in names for n in group.split(",")}, key=lambda n: (n.islower(), n.lower()))
        if found:
            path.write_text(text.replace(found[0], f"from harness.extend import {', '.join(every)}\n"))
        else:
            warn(f"{name}: no imports of harness found")
    report_sheets(root, warn)


def change(path, old, new, warn, optional=False):
    text = path.read_text() if path.exists() else ""
    found = re.sub(old, new, text)
    if found == text:
        optional or warn(f"{path}: nothing matches {old[:60]!r}")
        return
    path.write_text(found)


def report_sheets(root, warn):
    """The report makes its sheets itself: what of findings/collect.py does it moves to report/tables.py."""
    path = root / "analysis/findings/collect.py"
    text = path.read_text()
    body = re.search(r"(    published = .*?)(    return Findings\()", text, re.S)
    if not body or "sheets.shown(made), " not in text or "    sheets: list[Sheet]\n" not in text:
        warn("analysis/findings/collect.py has another shape: the sheets were not taken out")
        return
    head = text[: text.index("\n\n\n")]
    text = text.replace(body[1], "").replace("sheets.shown(made), ", "").replace("    sheets: list[Sheet]\n", "")
    text = text.replace('PUBLISHED = "published.csv"\n\n\n', "")
    text = text.replace(" A `published.csv` in the first folder is set beside our numbers.", "")
    path.write_text(text)
    imports = "\n".join(line for line in head.split("\n") if line.startswith(("from analysis", "import ")))
    (root / "analysis/report/tables.py").write_text(f'''"""Which tables a report holds."""

{imports}
from analysis.findings.collect import Findings

PUBLISHED = "published.csv"  # in the first folder: set beside our numbers


def report_sheets(found: Findings) -> list[Sheet]:
    """Those that have something to show, in the report's order."""
    results, table, twins, pairs = found.results, found.table, found.twins, found.pairs
    searched, random = found.models, found.twin_models
{body[1]}    return sheets.shown(made)
''')
    for name in ("write", "page"):
        path = root / f"analysis/report/{name}.py"
        path.write_text(path.read_text().replace("found.sheets", "report_sheets(found)")
                        .replace("from analysis.report", "from analysis.report.tables import report_sheets\nfrom analysis.report", 1))
    path = root / "analysis/report/write.py"
    before, start, after = path.read_text().partition("def tables(")
    body, end, rest = after.partition("\n\n\n")
    if body.count("report_sheets(found)") > 1 and "    return {" in body:
        body = body.replace("report_sheets(found)", "sheets").replace("    return {", "    sheets = report_sheets(found)\n    return {", 1)
        path.write_text(before + start + body + end + rest)
    for path in sorted(root.glob("tests/**/*.py")):
        text = path.read_text()
        if re.search(r"\bfound\.sheets\b", text) and "import findings" in text:
            text = text.replace("found.sheets", "report_sheets(found)")
            line = "from analysis.findings.collect import findings\n"
            path.write_text(text.replace(line, line + "from analysis.report.tables import report_sheets\n", 1))
