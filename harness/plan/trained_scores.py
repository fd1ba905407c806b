"""Zero-cost scores of every architecture that a study trains, for their rank correlation with what it reaches."""

from harness.plan import sources
from harness.plan.jobs import Job, Plan
from harness.plan.sources import Trained
from harness.study.schema import Study
from harness.vocabulary.kinds import Kind, Role

READ = ("space", "space_options", "data", "study_seed", "seed", "test_curve", "recipe")  # of a training's settings


def plan_scores(study: Study, plan: Plan) -> None:
    """A job for each of `scores.of_trained` and each architecture: its first training, and that of each repetition.

    A score waits for the training, so that networks which could not be trained have none.
    """
    trainings = [job for job in plan.jobs.values() if job.kind == Kind.TRAIN and job.role != Role.PRETRAINING]
    for job in trainings:
        for name in study.scores.of_trained if job.train_seed == 0 else ():
            for method in job.methods:
                plan.add(Kind.SCORE, method, _settings(study, job, name), (job.key,))


def _settings(study: Study, job: Job, name: str) -> dict[str, object]:
    search = {"score": name, "alpha_portion": study.search.alpha_portion}
    shared = {field: job.settings[field] for field in READ}
    return {**shared, "search": search, "source": sources.as_json(Trained(job.key))}
