"""Zero-cost scores of every architecture that a study trains, for their rank correlation with what it reaches."""

from harness.plan import sources
from harness.plan.jobs import Job, Plan
from harness.plan.methods import StudySettings, scores_of_trained
from harness.plan.settings import Settings
from harness.plan.sources import OfTraining
from harness.vocabulary.kinds import Kind, Role

READ = ("space", "space_options", "data", "study_seed", "test_curve", "recipe")  # of a training's settings
SEED = 0  # of every score, so that all networks have the initial weights and the batch of one repetition


def plan_scores(settings: StudySettings, plan: Plan) -> None:
    """A job for each score and each architecture that a repetition trains, however often it is trained.

    A score waits for the training, so that networks which could not be trained have none.
    """
    names = scores_of_trained(settings)
    for job in [job for job in plan.jobs.values() if job.kind == Kind.TRAIN and job.role != Role.PRETRAINING]:
        for name in names if job.train_seed == 0 else ():
            for method in job.methods:
                plan.add(Kind.SCORE, method, _settings(settings, job, name), (job.key,))


def _settings(settings: StudySettings, job: Job, name: str) -> Settings:
    search = {"score": name, "alpha_portion": settings.study.search.alpha_portion}
    shared = {field: job.settings[field] for field in READ}
    return {**shared, "seed": SEED, "search": search, "source": sources.as_json(OfTraining(job.key))}
