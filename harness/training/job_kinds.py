"""The kinds of jobs: what a trial of each trains, and what it may look at."""

from collections.abc import Callable, Mapping
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Any

import torch

from harness.data import datasets
from harness.data.images import DataSet, Images
from harness.data.splits import Split, split
from harness.engine.engine import Engine
from harness.plan.facts import facts
from harness.plan.settings import Settings, at_start, by_table, recipe_of, search_of, seeds_of, validation_portion
from harness.plan.tuning import prunes
from harness.seeding import Seeds
from harness.storage import predictions
from harness.storage.checkpoint import fitting, kept
from harness.study.schema import LEFT_OUT
from harness.training import formula, looked_up, perturbation, pretrained, single_path, supernets, zero_cost_job
from harness.training.alpha import shortest
from harness.training.bilevel import sharpened_at
from harness.training.continued import begin, leave
from harness.training.epochs import After, Epochs, epochs
from harness.training.initialise import initialise, seed_build
from harness.training.leave_network import leave_network
from harness.training.place import Place, Progress
from harness.training.search import Search, collapse
from harness.training.train import Training
from harness.vocabulary.kinds import Kind
from harness.vocabulary.rows import Outcome, Status
from spaces import registry as spaces
from spaces.cost import cost
from spaces.gates import uniform
from spaces.space import Space


def _opened(settings: Settings, place: Place, outcome: Outcome) -> tuple[DataSet, Engine, Space]:
    """Data, the engine and the space, of which a network is built next."""
    root = Path(place.data_root) if place.data_root else None
    data = datasets.load(settings["data"], root, seeds=Seeds.of(settings))
    engine = Engine.choose(torch.device(place.device), settings["recipe"]["precision"], data, place.engine_path)
    outcome.update(Outcome(path=engine.path, precision=engine.precision))
    seed_build(seeds_of(settings))
    return data, engine, spaces.load(settings["space"], settings["space_options"])


def _split(settings: Settings, data: DataSet) -> Split:
    return split(len(data.train), settings["study_seed"], settings["seed"], validation_portion(settings), data.drawn)


def _network(settings: Settings, data: DataSet, engine: Engine, space: Space, place: Place,
             outcome: Outcome) -> Any:  # fmt: skip
    """The built network with its start values; the outcome gets what the row says of it."""
    architecture = space.parse(settings["architecture"])
    network = space.build(architecture, data.classes, data.channels)
    parameters, macs = cost(network, data.channels, data.size)
    _start(network, settings, place)
    outcome.update(facts(architecture))
    outcome.update(Outcome(parameters=parameters, macs=macs, recipe=settings["recipe"]))
    return engine.place(network)


def _start(network: Any, settings: Settings, place: Place) -> None:
    seeds = seeds_of(settings)
    initialise(network, seeds.study, seeds.search, seeds.training)
    recipe = recipe_of(settings)
    if (source := recipe.pretrained) and "continues" not in settings:
        vgg = settings["space_options"].get("vgg", settings["space"])
        home = Path(place.home) if place.home else None
        read = partial(pretrained.read, source, vgg, home, recipe.pretrained_sha256)
        if source != LEFT_OUT:
            return pretrained.load_into(network, read(), source)
        with fitting(place.store, settings["start"]):
            pretrained.load_into(network, kept(place.store, settings["start"]), source)


def train_job(key: str, settings: Settings, place: Place, outcome: Outcome) -> Epochs:
    """Final training on all training images; the test set is read once, after the last epoch."""
    data, engine, space = _opened(settings, place, outcome)
    network = _network(settings, data, engine, space, place, outcome)
    part = _split(settings, data)
    test = data.test.to(engine.device)
    work = Training(network, data.train.to(engine.device), recipe_of(settings), Seeds.of(settings), engine)
    after: After = partial(_test_point, network, engine, test) if settings["test_curve"] else lambda *_: False
    claim = yield from epochs(key, work, place, outcome, after)
    leave(network.state_dict, key, place, claim)
    judged = engine.judge(network, test)
    outcome.update(Outcome(split=part.digest(), test_accuracy=judged.accuracy, test_loss=judged.loss))
    if isfinite(judged.loss):
        claim.check()
        outcome.update(predictions.keep(place.store, key, data.classes, judged.predicted.cpu(), data.test.labels))
        outcome.update(leave_network(network, key, settings, data, place, claim))


def _test_point(network: Any, engine: Engine, test: Images, _: int, outcome: Outcome) -> bool:
    """For figure 3 alone; nothing else may read it."""
    outcome["curve"][-1]["test_accuracy"] = engine.evaluate(network, test)[0]
    return False


def validated_job(key: str, settings: Settings, place: Place, outcome: Outcome) -> Epochs:
    """Tuning and scoring: train on the training split, judge on the validation split after every epoch. No test set."""
    data, engine, space = _opened(settings, place, outcome)
    network = _network(settings, data, engine, space, place, outcome)
    part = _split(settings, data)
    weights, alpha = (data.train.take(indices).to(engine.device) for indices in (part.weights, part.alpha))
    work = Training(network, weights, recipe_of(settings), seeds_of(settings), engine)

    def after(number: int, outcome: Outcome) -> bool:
        accuracy = engine.evaluate(network, alpha)[0]
        outcome["curve"][-1]["val_accuracy"] = outcome["val_accuracy"] = accuracy
        pruned = prunes(settings, number, accuracy)
        if pruned:
            outcome["status"] = Status.PRUNED
        return pruned

    outcome["split"] = part.digest()
    claim = yield from epochs(key, work, place, outcome, after, begin(work, settings, place))
    leave(work.state, key, place, claim)


def score_job(key: str, settings: Settings, place: Place, outcome: Outcome) -> Epochs:
    """A candidate's fitness: a short training, or its accuracy as a subnet of a supernet trained once for all."""
    spec = search_of(settings)
    if spec.score == "train":
        recipe = {**settings["recipe"], "epochs": spec.score_epochs}
        yield from validated_job(key, {**settings, "recipe": recipe}, place, outcome)
        return
    data, engine, space = _opened(settings, place, outcome)
    architecture = space.parse(settings["architecture"])
    part = _split(settings, data)
    supernet: Any = supernets.built(space, data.classes, data.channels, spec)
    _continue(supernet, settings, place)
    alpha_part = data.train.take(part.alpha).to(engine.device)
    accuracy, _ = engine.evaluate_subnet(engine.place(supernet), architecture, alpha_part)
    parameters, macs = cost(space.build(architecture, data.classes, data.channels), data.channels, data.size)
    yield Progress(1, 1, 0.0)
    outcome.update(facts(architecture))
    outcome.update(Outcome(split=part.digest(), val_accuracy=accuracy, parameters=parameters, macs=macs))


def _continue(supernet: Any, settings: Settings, place: Place) -> None:
    """From the weights that the search has left."""
    with fitting(place.store, settings["search"]["supernet"]):
        supernet.load_state_dict(kept(place.store, settings["search"]["supernet"]))


def perturbation_job(key: str, settings: Settings, place: Place, outcome: Outcome) -> Epochs:
    """What is kept of a finished supernet, decided choice by choice; its outcome holds it as α. No test set."""
    data, engine, space = _opened(settings, place, outcome)
    spec, part = search_of(settings), _split(settings, data)
    supernet: Any = supernets.built(space, data.classes, data.channels, spec)
    _continue(supernet, settings, place)
    weights, alpha = (data.train.take(indices).to(engine.device) for indices in (part.weights, part.alpha))
    work = perturbation.of(settings, space, engine.place(supernet), weights, alpha, engine)
    parameters = sum(weight.numel() for weight in work.weights)
    outcome.update(Outcome(recipe=settings["recipe"], parameters=parameters, split=part.digest()))
    yield from epochs(key, work, place, outcome)
    outcome.update(Outcome(snapshots={str(spec.epochs): work.decided_alpha()},
                           val_accuracy=outcome["curve"][-1]["val_accuracy"]))  # fmt: skip


def search_job(key: str, settings: Settings, place: Place, outcome: Outcome) -> Epochs:
    """A bilevel search; its outcome holds α at every snapshot. No test set, except for figure 3's curve."""
    data, engine, space = _opened(settings, place, outcome)
    spec, seeds = search_of(settings), seeds_of(settings)
    supernet = supernets.built(space, data.classes, data.channels, spec)
    _start(supernet, settings, place)
    _noise(supernet, spec.alpha_noise, seeds)
    part = _split(settings, data)
    weights, alpha = (data.train.take(indices).to(engine.device) for indices in (part.weights, part.alpha))
    search = single_path.of(settings, space) if spec.gate == uniform.GATE else Search
    make = partial(search, by_batch=settings["schema"] > 4)
    work = make(space, engine.place(supernet), weights, alpha, spec, recipe_of(settings), seeds, engine)
    test = data.test.to(engine.device) if settings["test_curve"] else None
    parameters = sum(weight.numel() for weight in work.weights)
    outcome.update(Outcome(recipe=settings["recipe"], snapshots={}, parameters=parameters, split=part.digest()))
    claim = yield from epochs(key, work, place, outcome, partial(_snapshot, work, test, settings["schema"] > 4))
    leave(work.network.state_dict, key, place, claim)
    outcome.update(
        Outcome(
            val_accuracy=outcome["curve"][-1]["val_accuracy"],
            warnings=[*outcome["warnings"], *_warnings(outcome, space)],
        )
    )


def _warnings(outcome: Outcome, space: Space) -> list[str]:
    """What the report should say of a search."""
    if "returned_to" not in outcome:
        return collapse(outcome["curve"][-1], space)
    back, stopped = outcome["returned_to"], outcome["stopped_at"]
    searching = [point for point in outcome["curve"] if "alpha" in point]
    early = f"stopped at epoch {stopped} of the search, where the largest eigenvalue grew; read as of epoch {back}"
    return [early, *collapse(searching[back - 1], space)]


def _snapshot(work: Search, test: Images | None, centred: bool, number: int, outcome: Outcome) -> bool:
    """Keeps α where the study reads it; ends a search whose eigenvalue grows, going back to an epoch before."""
    if test is not None:
        outcome["curve"][-1]["test_accuracy"] = work.accuracy(test)
    epoch = number - work.spec.warmup_epochs
    if epoch < 1 or not work.learns_alpha:
        return False
    snapshots = outcome["snapshots"]
    theta = {name: shortest(alpha) for name, alpha in work.network.alphas.items()}
    outcome["curve"][-1]["alpha"] = theta
    if epoch in work.spec.snapshots:
        snapshots[str(epoch)] = theta
    eigenvalues = [point["eigenvalue"] for point in outcome["curve"] if "eigenvalue" in point]
    back = sharpened_at(eigenvalues, centred) if eigenvalues else None
    if back is None:
        return False
    searching = [point for point in outcome["curve"] if "alpha" in point]
    for later in [at for at in work.spec.snapshots if at > back]:
        snapshots[str(later)] = searching[back - 1]["alpha"]
    outcome["stopped_at"], outcome["returned_to"] = epoch, back
    return True


def _noise(supernet: Any, deviation: float, seeds: Seeds) -> None:
    if deviation:
        generator = torch.Generator().manual_seed(seeds.stream("alpha"))
        for alpha in supernet.alphas.values():
            alpha.data.add_(torch.randn(alpha.shape, generator=generator), alpha=deviation)


Job = Callable[[str, Settings, Place, Outcome], Epochs]
KINDS: Mapping[str, Job] = {
    Kind.TRAIN: train_job,
    Kind.SCORE: score_job,
    Kind.TUNE: validated_job,
    Kind.SEARCH: search_job,
    Kind.PERTURBATION: perturbation_job,
}


def kind(settings: Settings) -> Job:
    """What runs a job of these settings."""
    if by_table(settings):
        return looked_up.job
    if at_start(settings):
        return zero_cost_job.job
    return formula.job if settings.get("task") else KINDS[settings["kind"]]
