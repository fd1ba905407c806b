"""Random twins: networks with exactly as many shortcuts as the one that they stand beside, sampled uniformly."""

from random import Random

from harness.plan.jobs import Job
from harness.plan.sources import Twin
from harness.seeding import stream
from spaces import custom_rules
from spaces.space import Architecture, Space


def sample_twin(twin: Twin, original: Architecture, job: Job, space: Space) -> Architecture:
    """Alike for every recipe, precision and machine: its stream is (study seed, search seed, "twin", row, index).

    Under schema 1 the key of its training starts the stream.
    """
    settings = job.settings
    start = job.key if twin.row is None else stream(settings["study_seed"], job.seed, "twin", twin.row, twin.index)
    return space.draw(custom_rules.drawn_by(space, twin.rule), Random(start), original.shortcuts)
