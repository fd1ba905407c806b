"""The methods paragraph, its facts filled in from the study and its rows."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from analysis.findings import how_searched, matched
from analysis.findings.recipes import described, recipes
from analysis.findings.rules import rules
from analysis.numbers import listed
from analysis.results import data_sets, protocol_view
from analysis.results.rows import Results
from analysis.results.table import Line


def methods_paragraph(results: Results, table: Sequence[Line]) -> str:
    """Plain sentences that a paper can take as they are."""
    sentences = [*_own(results, table), _statistics(results), _over_data_sets(results), _made_with(results)]
    return " ".join(filter(None, sentences))


def _own(results: Results, table: Sequence[Line]) -> list[str]:
    """What one study did; of several studies each one's own report says it."""
    if results.together:
        return [f"Put together are the studies {listed(results.together)}; the report of each says what it searched, "
                "trained and compared with."]  # fmt: skip
    return [
        _task(results),
        how_searched.sentences(results, table),
        _training(results, table),
        matched.sentence(results, table),
    ]


def _task(results: Results) -> str:
    table: Mapping[str, Any] = results.study.get("table") or {}
    part = ""
    if table:
        part = f". Networks were not trained but looked up in {table.get('name')}, whose accuracies are of validation"
    options: Mapping[str, Any] = results.study.get("space_options") or {}
    chosen = f" ({', '.join(f'{name} {value}' for name, value in options.items())})" if options else ""
    return f"We searched the space {results.study.get('space', 'unknown')}{chosen} on {_data(results)}{part}."


def _data(results: Results) -> str:
    """Each data set, with how many of its training images were used where that is not all."""
    sets = data_sets.listed(results.study)
    images = [one.get("train_images") for one in sets]
    names = [str(one.get("name", "unknown data")) for one in sets]
    if len(sets) == 1:
        return f"{names[0]}, {images[0]:,} of its training images" if images[0] else names[0]
    return listed([f"{name} ({count:,} of its training images)" if count else name
                   for name, count in zip(names, images, strict=True)])  # fmt: skip


def _training(results: Results, table: Sequence[Line]) -> str:
    found = recipes(results, table)
    if not found:
        return ""
    each = (results.study.get("seeds") or {}).get("train", 1)
    times = f", {each} times each," if each > 1 else ""
    how = f"by {len(found)} recipes (see the table of recipes)"
    if len(found) == 1:
        rate, shape, momentum, _, batch, epochs = described(json.loads(next(iter(found))))
        how = f"for {epochs} epochs (batch {batch}, learning rate {rate}, momentum {momentum}, schedule: {shape})"
    watched = any("test_accuracy" in (curve or {}) for curve in results.trials["curve"])
    read = (
        "test accuracy is that after the last epoch" if watched else "the test set was read once, after the last epoch"
    )
    return f"Every architecture was then trained {_start(results, found)}{times} on all training images {how}; {read}."


def _start(results: Results, recipes_: Iterable[str]) -> str:
    given = {bool(json.loads(recipe).get("pretrained")) for recipe in recipes_}
    given |= {True for method in results.study.get("methods") or () if method.get("start")}
    words = {True: "from weights that were there before", False: "from scratch"}
    return ", or ".join(said for start, said in words.items() if start in given)


def _statistics(results: Results) -> str:
    fixed = rules(results)
    looks = f", looked at after {listed(fixed.looks)} seeds, each look at α = {fixed.alpha:g}/{len(fixed.looks)}"
    return (
        "We report mean ± sample standard deviation over n search seeds, training seeds averaged first. Differences "
        f"are paired by seed, with {100 * fixed.level:.4g} % t intervals and two-sided t tests"
        f"{looks if fixed.looks else ''}. {_controlled(results)} Secondary differences count as significant only where "
        "the t test and the one with moderated variance (Smyth 2004) are, both after Holm's method. Trainings that "
        "failed count in comparisons with the accuracy of guessing. Effect sizes are Hedges's g of correlated pairs, "
        "relative improvements are ratios of means with Fieller's intervals. Sample sizes refer to a power of 80 % for "
        f"{fixed.smallest:g} points, the smallest effect of interest, at the strictest level of Holm's method, with "
        "each comparison's spread of differences drawn towards those that are alike. Slopes are least squares, with "
        "intervals that hold where networks of one search depend on each other (CR2, Satterthwaite's degrees of "
        "freedom). How often "
        "such verdicts are right was counted where the truth is known (docs/verdicts.md of nas-harness)."
    )


def _over_data_sets(results: Results) -> str:
    return "" if results.together or not data_sets.several(results.study) else (
        "Over data sets, rows are compared by Friedman's test with permutations, pairs by the mean difference within "
        "each search seed, Wilcoxon's signed ranks and a hierarchical normal model, with Holm's method over pairs; all "
        "of that is exploratory."
    )  # fmt: skip


def _controlled(results: Results) -> str:
    """What is controlled over what: said once, here."""
    alpha = f"{rules(results).alpha:g}"
    asked = results.study.get("primary")
    family = "comparisons with twins, between methods and of gains are one family under Holm's method"
    if not results.preregistered or results.replaced:
        why = "Several folders were put together, which no protocol planned" if len(results.protocols) > 1 else \
            "No protocol was fixed before the first row" if not results.preregistered else \
            "Finished trainings were replaced after the protocol was fixed"  # fmt: skip
        return (
            f"{why}: all {family} at α = {alpha}{', apart from the primary one' if asked else ''}, and all findings "
            "are exploratory."
        )
    if not asked:
        return f"No comparison was primary: all {family} at α = {alpha}, and all findings are exploratory."
    return (
        f"The primary comparison, fixed beforehand, is tested first at α = {alpha}; the other {family} at α = {alpha}, "
        f"confirmatory only where the primary one is significant. {_reused(results)}"
        f"{_overall(rules(results).unplanned, alpha)} Slopes are exploratory."
    )


def _reused(results: Results) -> str:
    reused = any(protocol_view.reused(results.protocols))
    return "Comparisons with rows that were taken over from other studies are exploratory. " if reused else ""


def _overall(unplanned: int, alpha: str) -> str:
    if unplanned:
        return f"Unplanned looks were taken, so that no bound holds for the whole report; p is times {unplanned + 1}."
    return f"The chance of any false confirmatory finding in the whole report is thus at most {alpha}."


def _made_with(results: Results) -> str:
    versions = [json.loads(text) for text in sorted(set(results.trials["versions"].dropna()))]
    if not versions:
        return ""
    named = " or ".join(listed([f"{name} {number}" for name, number in version.items()]) for version in versions)
    devices = sorted(set(results.trials["device"].dropna().map(str)))
    return f"Runs used {named} on {listed(devices)}."
