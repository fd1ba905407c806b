"""Fields of a recipe against PyTorch's own: learning rates, label smoothing, Nesterov's momentum."""

from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim import lr_scheduler

from benchmarks.ours import epoch
from harness.data.images import DataSet, Images
from harness.engine.engine import Engine
from harness.engine.optimiser import learning_rate
from harness.errors import BadInput
from harness.seeding import Seeds
from harness.storage.rows import latest_rows
from harness.study.schema import Recipe, Scheduler
from harness.study.validation import validated
from harness.training import bilevel
from harness.training.train import Training
from tests.driven import ran
from tests.harness.training.test_search import CELL, search

CPU = torch.device("cpu")
LR = 0.1


def theirs(epochs: int, make: Any) -> list[float]:
    optimiser = torch.optim.SGD([nn.Parameter(torch.ones(1))], LR)
    schedule, found = make(optimiser), []
    for _ in range(epochs):
        found.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    return found


def ours(epochs: int, **scheduler: Any) -> list[float]:
    recipe = Recipe(lr=LR, scheduler=Scheduler(**scheduler))
    return [learning_rate(recipe, epoch, epochs) for epoch in range(1, epochs + 1)]


def warmed(epochs: int, then: Any) -> Any:
    """Linear from lr / epochs, then `then`, from lr on."""
    first = lambda o: lr_scheduler.LinearLR(o, 1 / epochs, 1.0, epochs - 1) if epochs > 1 else \
        lr_scheduler.ConstantLR(o, 1.0, 1)  # noqa: E731  # fmt: skip
    return lambda o: lr_scheduler.SequentialLR(o, [first(o), then(o)], [epochs])


@pytest.mark.training
def test_a_cosine_falls_to_its_least_rate_as_torchs_does() -> None:
    cosine = lambda o: lr_scheduler.CosineAnnealingLR(o, 50, eta_min=0.001)  # noqa: E731
    assert ours(50, kind="cosine", min_lr=0.001) == pytest.approx(theirs(50, cosine), rel=1e-9)
    assert ours(50, kind="cosine", min_lr=LR) == pytest.approx([LR] * 50)


@pytest.mark.training
@pytest.mark.filterwarnings("ignore:.*lr_scheduler.step.. before:UserWarning")
@pytest.mark.filterwarnings("ignore:The epoch parameter in:UserWarning")
@pytest.mark.parametrize("warm", [1, 5])
@pytest.mark.parametrize(("scheduler", "then"), [
    ({"kind": "constant"}, lambda left: lambda o: lr_scheduler.ConstantLR(o, 1.0, 1)),
    ({"kind": "cosine", "min_lr": 0.001}, lambda left: lambda o: lr_scheduler.CosineAnnealingLR(o, left, 0.001)),
    ({"kind": "step", "gamma": 0.5, "step": 4}, lambda left: lambda o: lr_scheduler.StepLR(o, 4, 0.5)),
    ({"kind": "step", "gamma": 0.5, "step": 0.25}, lambda left: lambda o: lr_scheduler.StepLR(o, round(left / 4), 0.5)),
], ids=["constant", "cosine", "step", "part"])  # fmt: skip
def test_warm_up_climbs_linearly_before_the_schedule_as_torchs_does(warm: int, scheduler: Any, then: Any) -> None:
    found = ours(21, **scheduler, warmup_epochs=warm)
    assert found == pytest.approx(theirs(21, warmed(warm, then(21 - warm))), rel=1e-9)
    assert found[:warm] == pytest.approx([LR * (number + 1) / warm for number in range(warm)])
    assert found[warm] == LR


def made_up(images: int = 64) -> DataSet:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (images, 1, 4, 4), dtype=torch.uint8, generator=generator)
    part = Images(pixels, torch.randint(0, 5, (images,), generator=generator))
    return DataSet(part, part, 5, (0.5,), (0.25,))


class TwoHeads(nn.Module):
    auxiliary_weight = 0.4

    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.ModuleList([nn.Linear(16, 5), nn.Linear(16, 5)])
        for number, parameter in enumerate(self.parameters()):
            nn.init.normal_(parameter, generator=torch.Generator().manual_seed(number))

    def forward(self, images: torch.Tensor) -> Any:
        first, second = (head(images.flatten(1)) for head in self.heads)
        return (first, second) if self.training else first


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_a_smoothed_loss_is_torchs_for_both_heads(smoothing: float) -> None:
    data, network = made_up(), TwoHeads()
    how = Engine.choose(CPU, "fp32", data)
    images, labels = how.pixels(data.train.images), data.train.labels
    first, second = network(images)
    criterion = nn.CrossEntropyLoss(label_smoothing=smoothing)
    expected = criterion(first, labels) + 0.4 * criterion(second, labels)
    torch.testing.assert_close(how.loss(network, images, labels, smoothing), expected)
    spread = (1 - smoothing) * F.one_hot(labels, 5) + smoothing / 5
    by_hand = -sum(w * (spread * out.log_softmax(1)).sum(1).mean() for w, out in ((1, first), (0.4, second)))
    torch.testing.assert_close(how.loss(network, images, labels, smoothing), by_hand)


def works(**recipe: Any) -> Training:
    data = made_up()
    how = Engine.choose(CPU, "fp32", data)
    settings = {"epochs": 2, "batch_size": 16, "lr": 0.02, "augment": "none", "weight_decay": 1e-2, **recipe}
    return Training(how.place(TwoHeads()), data.train, Recipe(**settings), Seeds(), how)


@pytest.mark.training
@pytest.mark.parametrize("recipe", [{}, {"nesterov": True}, {"label_smoothing": 0.2},
                                    {"nesterov": True, "label_smoothing": 0.2}], ids=str)  # fmt: skip
def test_training_takes_torchs_own_steps(recipe: dict[str, Any]) -> None:
    work, plain = works(**recipe), works()
    optimiser = torch.optim.SGD(plain.network.parameters(), 0.02, 0.9, weight_decay=1e-2,
                                nesterov=recipe.get("nesterov", False))  # fmt: skip
    criterion, losses = nn.CrossEntropyLoss(label_smoothing=recipe.get("label_smoothing", 0.0)), []

    def step(images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        first, second = plain.network(images)
        loss = criterion(first, labels) + 0.4 * criterion(second, labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
        return loss.detach()

    plain.step = step
    for number in (1, 2):
        assert epoch(work, number)["train_loss"] == pytest.approx(epoch(plain, number)["train_loss"], rel=1e-5)
    for mine, own in zip(work.network.parameters(), plain.network.parameters(), strict=True):
        torch.testing.assert_close(mine, own)
    assert len(losses) == 8


def test_judging_smooths_no_label() -> None:
    work = works(label_smoothing=0.5)
    judged = work.engine.evaluate(work.network, work.part)[1]
    work.network.eval()
    logits = work.network(work.engine.pixels(work.part.images))
    assert judged == pytest.approx(F.cross_entropy(logits, work.part.labels).item(), rel=1e-5)


@pytest.mark.training
def test_second_order_search_unrolls_the_recipes_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """The training loss that it unrolls is smoothed and its step Nesterov's; α's own loss is plain."""
    asked = []

    def seen(train: Any, val: Any, weights: Any, alphas: Any, *more: Any) -> Any:
        asked.append((train().item(), val().item(), more[-1]))
        return [torch.zeros_like(alpha) for alpha in alphas]

    monkeypatch.setattr(bilevel, "second_order", seen)
    recipe = {"nesterov": True, "label_smoothing": 0.3, "augment": "none"}
    work = search(CELL, recipe=recipe, order=2)
    work.network.train()
    part = work.weights_part.take(torch.arange(32))
    batch = next(work.engine.batches(part, 32))
    smooth, plain = (work.engine.loss(work.network, *batch, smoothing).item() for smoothing in (0.3, 0.0))
    work._alpha_step(batch, batch)
    assert asked == [(pytest.approx(smooth, rel=1e-5), pytest.approx(plain, rel=1e-5), True)]
    assert smooth != pytest.approx(plain, rel=1e-3)


@pytest.mark.parametrize(("values", "says"), [
    ({"nesterov": True, "momentum": 0.0}, "nesterov looks ahead along the momentum, which is 0"),
    ({"lr": 0.01, "scheduler": {"kind": "cosine", "min_lr": 0.1}}, "scheduler.min_lr = 0.1 lies above lr = 0.01"),
    ({"label_smoothing": 1.0}, "label_smoothing takes numbers below 1"),
    ({"scheduler": {"warmup_epochs": -1}}, "scheduler.warmup_epochs takes numbers from 0 on"),
])  # fmt: skip
def test_what_makes_no_recipe_is_refused(values: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        validated(Recipe, values, "recipe")


def test_later_fields_are_said_only_where_they_are_set() -> None:
    assert not {"nesterov", "label_smoothing"} & Recipe().model_dump().keys()
    assert Scheduler().model_dump().keys() == {"kind", "gamma", "step"}
    full = Recipe(nesterov=True, scheduler=Scheduler(kind="cosine", min_lr=0.01))
    said = full.model_dump()
    assert (said["nesterov"], said["scheduler"]["min_lr"]) == (True, 0.01)
    assert Recipe.model_validate(said) == full
    assert Recipe().in_full()["scheduler"] == {"kind": "constant", "gamma": 0.1, "step": 0.667, "min_lr": 0.0,
                                               "warmup_epochs": 0}  # fmt: skip


TUNED = """
name = "driven"
space = "shortcut-vgg11"
task = "tests.planted:plain_wins"
data = { name = "digits", image_size = 32 }
seeds = { search = 1 }
recipe = { epochs = 3, nesterov = true, tuned = "both", scheduler = { warmup_epochs = 1 } }
space_options = { width = 0.125 }
method = [{ name = "baseline" }]
[[tuning]]
name = "both"
sampler = "grid"
trials = 4
ranges = { nesterov = { choices = [true, false] }, "scheduler.warmup_epochs" = { choices = [0, 1] } }
"""


@pytest.mark.training
def test_a_tuning_may_find_that_a_later_field_is_best_at_its_default(tmp_path: Path) -> None:
    assert ran(tmp_path, study=TUNED)[0] == 0
    rows = list(latest_rows(tmp_path / "driven").values())
    tried = [row["settings"]["asked"] for row in rows if row["kind"] == "tune"]
    assert {(one["nesterov"], one["scheduler.warmup_epochs"]) for one in tried} == set(product((True, False), (0, 1)))
    (recipe,) = [Recipe.model_validate(row["recipe"]) for row in rows if row["kind"] == "train"]
    assert (recipe.nesterov, recipe.scheduler.warmup_epochs, recipe.epochs) == (False, 0, 3)


WORDS = """
name = "driven"
space = "shortcut-vgg11"
task = "harness.training.formula:stand_in"
data = { name = "digits", image_size = 32 }
seeds = { search = 1 }
recipe = { epochs = 2, lr = 1e-6, tuned = "both" }
space_options = { width = 0.125 }
method = [{ name = "baseline" }]
[[tuning]]
name = "both"
sampler = "grid"
trials = 2
ranges = { batch_size = { choices = ["32", "64"] }, lr = { choices = [2e-6, 3e-6], when = { batch_size = "NAMED" } } }
"""


def test_numbers_that_are_written_as_text_are_refused_before_anything_is_tried(tmp_path: Path) -> None:
    with pytest.raises(
        BadInput, match=r"^tuning 'both'\.ranges: batch_size takes a whole number, as in batch_size = 3"
    ):
        ran(tmp_path, study=WORDS.replace("NAMED", "32"))
    assert not (tmp_path / "driven").exists()


@pytest.mark.training
@pytest.mark.parametrize("named", ["32", "64"])
def test_what_the_best_trial_tried_is_taken_over(tmp_path: Path, named: str) -> None:
    study = WORDS.replace('["32", "64"]', "[32, 64]").replace('"NAMED"', named)
    assert ran(tmp_path, study=study)[0] == 0
    rows = list(latest_rows(tmp_path / "driven").values())
    best = max((row for row in rows if row["kind"] == "tune"), key=lambda row: row["val_accuracy"])
    (kept,) = [row["recipe"] for row in rows if row["kind"] == "train"]
    assert kept == best["recipe"]
    assert (kept["lr"] != 1e-6) == (str(kept["batch_size"]) == named)
