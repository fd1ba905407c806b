"""Which images every training of a study shares, so that no interval over seeds counts their choice."""

from collections.abc import Iterator

from analysis.results import data_sets
from analysis.results.predictions import Predictions
from analysis.results.rows import Results


def fixed_data(results: Results, said: Predictions) -> list[str]:
    """A sentence or two; none where nothing was trained."""
    return [] if results.study.get("table") or not said.trained else [*_shared(results), *_predictions(said)]


def _shared(results: Results) -> Iterator[str]:
    sets = data_sets.listed(results.study)
    resampled = sum(bool(data.get("resample")) for data in sets)
    parts = any(data.get("train_images") for data in sets)
    training = (
        "the training images of a search seed are a sample of their own" if resampled == len(sets) else
        "the training images are so in some of the data sets" if resampled else
        f"the training images are one fixed {'part of their set' if parts else 'set'} for all seeds"
    )  # fmt: skip
    yield (
        f"The test images are the same for all trainings; {training}. Intervals over seeds hold for "
        f"{'this test set' if resampled else 'these images'}."
    )


def _predictions(said: Predictions) -> Iterator[str]:
    there = len(said.said)
    if not there:
        yield "Predictions of single images are not there: no interval counts the sampling error of the test images."
    elif there < said.trained:
        yield (
            f"Predictions of single images are there for {there} of {said.trained} final trainings: seeds that lack "
            "some are left out where intervals count the test images."
        )
    yield from (f"{fault}: left out." for fault in said.odd)
