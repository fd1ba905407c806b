"""Random twins: networks that share with the one that they stand beside what chance should not decide, sampled
uniformly: the count of shortcuts, or more (`match`)."""

from random import Random

from harness.plan.jobs import Job
from harness.plan.sources import Twin
from harness.seeding import stream
from harness.study.twins import COUNT
from spaces import custom_rules
from spaces.alike import matching
from spaces.space import Architecture, Space


def sample_twin(twin: Twin, original: Architecture, job: Job, space: Space) -> Architecture | None:
    """Alike for every recipe, precision and machine: its stream is (study seed, search seed, "twin", row, index).

    Under schema 1 the key of its training starts the stream, if the count alone matches. None where more matches and
    no architecture but the original does.
    """
    settings = job.settings
    start = job.key if twin.row is None else stream(settings["study_seed"], job.seed, "twin", twin.row, twin.index)
    rule, rng = custom_rules.drawn_by(space, twin.rule), Random(start)
    found: Architecture | None
    if twin.match == COUNT:
        found = space.draw(rule, rng, original.shortcuts)
    else:
        found = matching(space).draw_alike(original, rule, rng, twin.match)
        if found == original:
            raise ValueError(f"draw_alike gives the architecture itself as its twin: {original}")
    if found is not None and found.shortcuts != original.shortcuts:  # of a space from outside
        raise ValueError(f"asked for {original.shortcuts} shortcuts, the space samples {found.shortcuts}: {found}")
    return found
