"""The networks of some results, each once: what they reach, how large they are, and their zero-cost scores."""

import json

import pandas as pd

from analysis.results.aggregate import done
from analysis.results.rows import Results

BUILT = ["study", "data", "architecture"]
NETWORK = [*BUILT, "recipe"]  # a score is of a batch, and an accuracy of a recipe: across these nothing is compared
SIZES = ("parameters", "macs")  # of every network, whether the study scores by them or not


def networks(results: Results) -> pd.DataFrame:
    """A row for each network and recipe that it was trained by, a mean over its trainings and over its scores. Columns:
    those of `NETWORK`, `methods` (with that recipe), `accuracy`, `SIZES`, and one for each score that any network has.
    """
    trials = done(results.trials)
    trained = trials[(trials["kind"] == "train") & (trials["role"] != "pretraining")].dropna(subset=["test_accuracy"])
    trained = trained.assign(recipe=trained["recipe"].fillna(""))
    recipes = dict(zip(trained["key"], trained["recipe"], strict=True))
    scored = _scored(results)
    sized = pd.concat([trained, trials[trials["kind"] == "score"]]).groupby(BUILT)[list(SIZES)].mean()
    scored = scored.assign(recipe=[recipes.get(key, "") for key, *_ in scored["needs"]])
    own = scored.pivot_table(values="score", index=NETWORK, columns="scored_by", aggfunc="mean")
    found = trained.groupby(NETWORK)["test_accuracy"].mean().to_frame("accuracy")
    found = found.join(own.drop(columns=list(SIZES), errors="ignore")).reset_index().join(sized, on=BUILT)
    names = trained.groupby(["study", "data", "recipe"])["method"].agg(lambda own: ", ".join(dict.fromkeys(own)))
    found = found.join(names.rename("methods"), on=["study", "data", "recipe"])
    return found.assign(data=[str(json.loads(text).get("name", "")) for text in found["data"]])


def seconds(results: Results) -> dict[str, float]:
    """Score → mean seconds that one takes."""
    return {str(name): float(mean) for name, mean in _scored(results).groupby("scored_by")["seconds"].mean().items()}


def _scored(results: Results) -> pd.DataFrame:
    """Scores of trained networks: all have the initial weights and the batch of one seed, unlike those of searches."""
    scored = done(results.trials).dropna(subset=["score", "scored_by"])
    return scored[scored["of_trained"] == True]  # noqa: E712
