"""`nas-harness new`: writes a commented study for a space and data of one's own, and checks it."""

import argparse
import shlex
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from harness.commands.open_space import of_outside, opened, option
from harness.data import datasets
from harness.errors import BadInput
from harness.run.prepare import Prepared, prepare
from harness.storage.files import write_over
from harness.study.bounds import faults
from harness.study.schema import Study
from harness.study.toml import name as quoted
from harness.study.toml import written
from harness.study.validation import validated
from spaces.space import Space

SMALL: dict[str, dict[str, Any]] = {
    "shortcut-": {"width": 0.125},
    "cell-": {"channels": 8, "train_channels": 8},
    "nasbench201": {"channels": 8},
}
TEXT = """\
# Written by `nas-harness new`. Every field is explained in docs/study.md. After a change: nas-harness plan FILE
name = {name}  # of the study and its folder in results/
space = {space}  # what can be built
data = {data}  # fields that images may need: image_size, test_part, train_images
seeds = {{ search = 3, train = 1 }}  # repetitions; five or more show smaller differences
# The one question that is tested first; fix it before the first run:
# primary = {{ method = {method}, against = "twins" }}

[space_options]  # {size}
{options}
[search]  # how architectures are found
strategy = "darts"  # or "random-search", "evolution"
epochs = 10  # published searches take 50
alpha_lr = 0.01  # of the architecture's parameters; such a short search needs a high one

[recipe]  # how every network is trained
epochs = 10  # until the training loss hardly falls
batch_size = 32
lr = 0.02
momentum = 0.9
augment = "crop"  # or "crop-flip", where mirrored images are of the same class; or "none"
scheduler = {{ kind = "cosine" }}

{methods}"""
METHOD = """\
[[method]]
name = {name}
rule = {rule}  # how an architecture is read from the search
twins = 1  # random networks beside each network found: what the search must beat
"""
BASELINE = """\
[[method]]
name = "baseline"  # the network of the space without a search
"""
RANDOM = """\
[[method]]
name = "random"
strategy = "random"  # an architecture that is sampled uniformly
rule = {rule}
"""


def command(options: argparse.Namespace) -> int:
    """Writes nothing where the study would not run."""
    path = Path(options.file)
    if path.exists():
        raise BadInput(f"{path} exists; name a new file")
    if not path.parent.is_dir():
        raise BadInput(f"{path.parent} is no folder; make it first")
    with of_outside(options.space):
        text = study_text(options, opened(options.space, options.space_options))
        checked = check(text, path, options)
    write_over(path, text.encode())
    print("\n".join(said(checked, path, options)))
    return 0


def study_text(options: argparse.Namespace, space: Space) -> str:
    study = Path(options.file).stem.replace(" ", "-")
    given = {"name": options.data, "image_size": options.image_size, "test_part": options.test_part}
    data = {field: value for field, value in given.items() if value is not None}
    chosen = dict(map(option, options.space_options))
    if fault := next(faults({"data": data, "space_options": chosen}), ""):
        raise BadInput(fault)
    small = {} if chosen else next((found for start, found in SMALL.items() if options.space.startswith(start)), {})
    names = [written(f"darts-{rule}") for rule in space.rules[:2]]
    methods = [METHOD.format(name=name, rule=written(rule)) for name, rule in zip(names, space.rules, strict=False)]
    methods.append(BASELINE if space.baseline() else RANDOM.format(rule=written(space.rules[0])))
    return TEXT.format(
        name=written(study), space=written(options.space), data=written(data), method=names[0],
        size="small, so that a first study takes minutes" if small else "of the space",
        options="".join(f"{quoted(field)} = {written(value)}\n" for field, value in (chosen or small).items()),
        methods="\n".join(methods),
    )  # fmt: skip


def check(text: str, path: Path, options: argparse.Namespace) -> Prepared:
    """The study that `text` says, with its data and plan. Raises BadInput where it would not run."""
    study = validated(Study, tomllib.loads(text), str(path))
    root = datasets.data_root(options.data_root)
    with TemporaryDirectory() as results:
        return prepare(study, Path(results), root, options.download, "cpu", home=path.resolve().parent)


def said(prepared: Prepared, path: Path, options: argparse.Namespace) -> list[str]:
    data, root = prepared.data, ["--data-root", options.data_root] if options.data_root else []
    more = shlex.join([str(path), *root])
    return [
        f"{path}: {len(data.train)} training and {len(data.test)} test images of {data.size}×{data.size} pixels in "
        f"{data.classes} classes; {len(prepared.plan.jobs)} jobs",
        *(f"note: {note}" for note in prepared.notes),
        f"how long it takes: nas-harness plan {more}",
        f"run it:            nas-harness run {more}",
    ]
