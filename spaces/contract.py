"""What every search space must keep to, as checks that `nas-harness check` and the tests run alike."""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import Any

import torch
from scipy.stats import chisquare

from spaces import contract_decisions
from spaces.alike import offered
from spaces.cells.mixing import mixings
from spaces.contract_networks import CHANNELS, CLASSES, SIZE, images, seeded, supernet_trains, trains_and_is_judged
from spaces.cost import cost
from spaces.counts import count as number
from spaces.edits import edits, offers
from spaces.labels import labels_of
from spaces.space import Space

COUNTABLE, DRAWS = 250, 4000  # architectures with some count of shortcuts; samples that must be uniform over them
NOT_UNIFORM = 1e-4  # p below which they are not
Check = tuple[str, Callable[[], None]]


def checks(space: Space) -> Iterator[Check]:
    """(what is checked, a function that raises AssertionError where it does not hold)."""
    for gate in space.gates:
        yield f"the supernet with {gate} gates trains", lambda gate=gate: supernet_trains(space, gate)  # type: ignore[misc]
    for how in mixings(space):
        yield f"the supernet with {how} trains", partial(supernet_trains, space, space.gates[0], how)
    yield "α's entries have names", partial(_labels, space)
    for rule in space.rules:
        yield f"{rule}: what a supernet holds can be read, written, built and run", lambda r=rule: _reads(space, r)  # type: ignore[misc]
        yield f"{rule}: samples are valid, reproducible and different", lambda r=rule: _draws(space, r)  # type: ignore[misc]
        yield f"{rule}: a sample with a fixed count of shortcuts has it", lambda r=rule: _counts(space, r)  # type: ignore[misc]
        yield f"{rule}: few shortcuts, if countable, are sampled uniformly", lambda r=rule: _uniform(space, r)  # type: ignore[misc]
        for match in offered(space, rule):
            yield f"{rule}: twins matched in {match} are others, sampled uniformly", partial(_twins, space, rule, match)
        yield f"{rule}: mutation and crossover stay in the space", lambda r=rule: _varies(space, r)  # type: ignore[misc]
        if offers(space, rule):
            yield (
                f"{rule}: neighbours differ in one choice, and choices give the architecture back",
                partial(_edits, space, rule),
            )
        yield f"{rule}: parameters and MACs need no weights", lambda r=rule: _costs(space, r)  # type: ignore[misc]
        yield f"{rule}: a supernet can be limited to one architecture", lambda r=rule: _limits(space, r)  # type: ignore[misc]
        if hasattr(space, "decisions"):
            yield f"{rule}: what is decided in a supernet is what the rule reads", partial(_decides, space, rule)


def _reads(space: Space, rule: str) -> None:
    for seed in range(20):
        supernet = seeded(space.supernet(CLASSES, CHANNELS, space.gates[0]), seed)
        alpha = {name: value.detach().numpy() for name, value in supernet.alphas.items()}
        architecture = space.discretise(alpha, rule)
        assert space.parse(str(architecture)) == architecture, f"{architecture} does not parse back"
        if not space.broken(architecture):
            trains_and_is_judged(space.build(architecture, CLASSES, CHANNELS))
            return
    raise AssertionError(f"none of 20 random α gives a working architecture by {rule}")


def _draws(space: Space, rule: str) -> None:
    one = space.draw(rule, Random(0))
    for name, value in (("shortcuts", one.shortcuts), ("long_shortcuts", one.long_shortcuts)):
        known = number(value) is not None or (name == "long_shortcuts" and value is None)
        assert known, f"{name} of {one} is {value!r}, no whole number"
    drawn = [space.draw(rule, Random(seed)) for seed in range(20)]
    assert drawn == [space.draw(rule, Random(seed)) for seed in range(20)], "the same seed samples something else"
    assert len(set(map(str, drawn))) > 1, "20 samples are all the same"
    for architecture in drawn:
        assert space.parse(str(architecture)) == architecture, f"{architecture} does not parse back"
        assert not space.broken(architecture), f"{architecture} was sampled, and is broken"


def _labels(space: Space) -> None:
    """Of a space that says them, as many as its arrays have rows and columns."""
    try:
        labels = labels_of(space)
    except ValueError as error:
        raise AssertionError(str(error)) from None
    alphas = space.supernet(CLASSES, CHANNELS, space.gates[0]).alphas
    for name, own in labels.items():
        due = tuple(alphas[name].shape) if name in alphas else ()
        found = tuple(len(own[side]) for side in ("rows", "columns"))
        assert found[: len(due)] == due, f"alpha_labels(), {name}: {found} names for an array of {due}"


def _counts(space: Space, rule: str) -> None:
    for seed in range(5):
        count = space.draw(rule, Random(seed)).shortcuts
        found = space.draw(rule, Random(seed + 100), count)
        assert found.shortcuts == count, f"asked for {count} shortcuts, drew {found.shortcuts}"
        assert not space.broken(found), f"{found} was sampled, and is broken"


def _uniform(space: Space, rule: str) -> None:
    """All that is sampled, and all children of samples, must be sampled about equally often."""
    for count in (1, 2):
        if not _drawable(space, rule, count):
            continue  # nothing has so few
        if drawn := _counted(lambda seed, count=count: space.draw(rule, Random(seed), count)):  # type: ignore[misc]
            strange = _descendants(space, rule, count) - drawn.keys()
            assert not strange, f"mutation or crossover gives {min(strange)}, but no sample does"
            _equally_often(drawn)


def _counted(draw: Callable[[int], object]) -> Counter[str]:
    """How often each of DRAWS samples comes, by seed; nothing where there are too many different ones to count."""
    few = Counter(str(draw(seed)) for seed in range(2 * COUNTABLE))
    if len(few) > COUNTABLE:
        return Counter()
    return few + Counter(str(draw(seed)) for seed in range(2 * COUNTABLE, DRAWS))


def _equally_often(drawn: Counter[str]) -> None:
    if len(drawn) > 1:
        often, rarely = drawn.most_common()[0], drawn.most_common()[-1]
        p_value = float(chisquare(list(drawn.values())).pvalue)
        assert p_value > NOT_UNIFORM, f"of {DRAWS} samples, {often[1]} are {often[0]}, and {rarely[1]} are {rarely[0]}"


def _twins(space: Any, rule: str, match: str) -> None:
    """Of some networks, and uniformly of one with few shortcuts, if its twins are few."""
    for seed in range(5):
        own = space.draw(rule, Random(seed))
        twin = space.draw_alike(own, rule, Random(seed), match)
        assert twin == space.draw_alike(own, rule, Random(seed), match), "the same seed samples something else"
        if twin is not None:
            assert twin != own, f"{own} is its own twin"
            assert twin.shortcuts == own.shortcuts, f"{own} has {own.shortcuts} shortcuts, its twin {twin.shortcuts}"
            assert not space.broken(twin), f"{twin} was sampled, and is broken"
            assert space.parse(str(twin)) == twin, f"{twin} does not parse back"
    if _drawable(space, rule, 1):
        few = space.draw(rule, Random(0), 1)
        missing = [space.draw_alike(few, rule, Random(seed), match) is None for seed in range(20)]
        assert len(set(missing)) == 1, f"{few} has a twin by one seed, and none by another"
        if not missing[0]:
            _equally_often(_counted(lambda seed: space.draw_alike(few, rule, Random(seed), match)))


def _descendants(space: Space, rule: str, count: int) -> set[str]:
    """Children of children of draws, those that have as many shortcuts."""
    rng, found = Random(0), set()
    here = space.draw(rule, rng, count)
    for _ in range(500):
        child = space.mutate(space.crossover(here, space.draw(rule, rng, count), rule, rng), rule, rng, 0.1)
        if child.shortcuts == count:
            found.add(str(child))
            here = child
    return found


def _varies(space: Space, rule: str) -> None:
    rng = Random(0)
    first, second = space.draw(rule, rng), space.draw(rule, rng)
    changed = set()
    for _ in range(20):
        for child in (space.mutate(first, rule, rng, 0.2), space.crossover(first, second, rule, rng)):
            assert space.parse(str(child)) == child, f"{child} does not parse back"
            assert _drawable(space, rule, child.shortcuts), f"{child} has more shortcuts than {rule} can give"
            changed.add(str(child))
    assert len(changed) > 2, "mutation and crossover hardly change anything"
    assert space.mutate(first, rule, Random(1), 0.0) == first, "mutation with rate 0 changes something"


def _edits(space: Space, rule: str) -> None:
    edited, options = edits(space), edits(space).options(rule)
    for seed in range(5):
        own = space.draw(rule, Random(seed))
        numbers = edited.encode(own, rule)
        assert len(numbers) == len(options), f"{own} has {len(numbers)} choices, the rule {len(options)}"
        assert all(0 <= number < size for number, size in zip(numbers, options, strict=True)), f"{own}: no such option"
        assert edited.decode(numbers, rule) == own, f"{own} does not come back from its choices"
        around = edited.neighbours(own, rule)
        assert around == edited.neighbours(own, rule), "the same architecture has other neighbours"
        assert len(set(around)) == len(around) > 0, f"{own} has no neighbours, or some twice"
        for near in around:
            changed = sum(one != other for one, other in zip(numbers, edited.encode(near, rule), strict=True))
            assert changed == 1, f"{near} differs from {own} in {changed} choices"
            assert not space.broken(near), f"{near} is a neighbour, and is broken"
            assert space.parse(str(near)) == near, f"{near} does not parse back"
        assert own in edited.neighbours(around[0], rule), f"{own} is no neighbour of its neighbour {around[0]}"


def _drawable(space: Space, rule: str, shortcuts: int) -> bool:
    try:
        space.draw(rule, Random(0), shortcuts)
    except ValueError:
        return False
    return True


def _costs(space: Space, rule: str) -> None:
    architecture = space.draw(rule, Random(0))
    with torch.device("meta"):
        planned = cost(space.build(architecture, CLASSES, CHANNELS), CHANNELS, SIZE)
    built = cost(space.build(architecture, CLASSES, CHANNELS), CHANNELS, SIZE)
    assert planned == built, f"on the meta device {planned}, built {built}"
    assert min(built) > 0, f"(parameters, MACs) = {built}"


def _decides(space: Space, rule: str) -> None:
    contract_decisions.decides(space, rule, seeded(space.supernet(CLASSES, CHANNELS, space.gates[0])), images())


def _limits(space: Space, rule: str) -> None:
    supernet = seeded(space.supernet(CLASSES, CHANNELS, space.gates[0])).eval()
    with torch.no_grad():
        whole = supernet(images())
        with supernet.subnet(space.draw(rule, Random(0))):
            limited = supernet(images())
        assert not torch.equal(whole, limited), "the subnet is the whole supernet"
        assert torch.equal(whole, supernet(images())), "the supernet stays limited afterwards"
    with supernet.train().subnet(space.draw(rule, Random(1))):
        supernet(images()).square().mean().backward()
    gradients = [parameter.grad for parameter in supernet.parameters() if parameter.grad is not None]
    assert gradients, "no weight of a subnet gets a gradient"
    assert all(bool(torch.isfinite(gradient).all()) for gradient in gradients), "a subnet's gradient is not finite"
