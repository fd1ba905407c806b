"""The networks of some results, each once: what they reach, how large they are, and their zero-cost scores."""

import json

import pandas as pd

from analysis.results.aggregate import done
from analysis.results.rows import Results

NETWORK = ["study", "data", "architecture"]
SIZES = ("parameters", "macs")  # of every network, whether the study scores by them or not


def networks(results: Results) -> pd.DataFrame:
    """A row for each network that was trained, a mean over its trainings and over its scores. Columns: those of
    `NETWORK`, `accuracy`, `SIZES`, and one for each score that any network has."""
    trials = done(results.trials)
    trained = trials[(trials["kind"] == "train") & (trials["role"] != "pretraining")].dropna(subset=["test_accuracy"])
    scored = _scored(results)
    sized = pd.concat([trained, trials[trials["kind"] == "score"]]).groupby(NETWORK)[list(SIZES)].mean()
    own = scored.pivot_table(values="score", index=NETWORK, columns="scored_by", aggfunc="mean")
    found = trained.groupby(NETWORK)["test_accuracy"].mean().to_frame("accuracy").join(sized)
    found = found.join(own.drop(columns=list(SIZES), errors="ignore")).reset_index()
    return found.assign(data=[str(json.loads(text).get("name", "")) for text in found["data"]])


def seconds(results: Results) -> dict[str, float]:
    """Score → mean seconds that one takes."""
    return {str(name): float(mean) for name, mean in _scored(results).groupby("scored_by")["seconds"].mean().items()}


def _scored(results: Results) -> pd.DataFrame:
    """Scores of trained networks: all have the initial weights and the batch of one seed, unlike those of searches."""
    scored = done(results.trials).dropna(subset=["score", "scored_by"])
    return scored[scored["of_trained"] == True]  # noqa: E712
