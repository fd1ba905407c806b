"""What a report says in words: what weakens it, the 14 practices, the methods paragraph, published numbers."""

from pathlib import Path

import pytest
import rows_factory as factory
from judging import KEPT

from analysis.findings.best_practices import Practice, practices
from analysis.findings.caveats import caveats
from analysis.findings.comparisons import compared
from analysis.findings.methods_text import methods_paragraph
from analysis.findings.published import beside, unanswered
from analysis.results import data_sets
from analysis.results.rows import Results, load
from analysis.results.table import lines
from analysis.statistics.power import detectable
from harness.vocabulary.rows import MOVED

pytestmark = pytest.mark.long


def loaded(tmp_path: Path, study: dict, rows: list[dict]) -> Results:
    return load(factory.write(tmp_path / study["name"], study, rows))


def said(results: Results) -> str:
    table = lines(results)
    return "\n".join(caveats(results, table, compared(results, table)))


def test_a_sound_study_has_little_against_it(tmp_path: Path) -> None:
    study = factory.study(seeds=6)
    text = said(loaded(tmp_path, study, factory.rows(study, effect=2.0, noise=0.05)))
    for word in ("Few seeds", "Unfinished", "commits", "uncommitted", "devices", "versions", "recipes"):
        assert word not in text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda r: {**r, "commit": "f" * 40}, "Rows come from 2 commits"),
        (lambda r: {**r, "dirty": True}, "1 rows were made with uncommitted changes"),
        (lambda r: {**r, "device": "cuda"}, "2 devices (cpu, cuda)"),
        (lambda r: {**r, "hardware": "Xeon (amx_bf16)"}, "2 kinds of processor or GPU (EPYC (avx2), Xeon (amx_bf16))"),
        (lambda r: {**r, "precision": "bf16"}, "2 precisions (bf16, fp32)"),
        (lambda r: {**r, "versions": {**factory.VERSIONS, "torch": "2.9.0"}}, "2 versions of torch (2.14.1, 2.9.0)"),
        (lambda r: {**r, "recipe": {**factory.RECIPE, "lr": 0.1}}, "2 recipes"),
        (lambda r: {**r, "split": "other"}, "saw different images at seed 0"),
        (
            lambda r: {**r, "warnings": ["the search collapsed to skip connections"]},
            "collapsed to skip connections (1 row)",
        ),
        (
            lambda r: {**r, "curve": [{"epoch": 1, "test_accuracy": 50.0}]},
            "Test accuracy was recorded after every epoch",
        ),
        (lambda r: factory.failed(r, "diverged"), "1 diverged"),
        (lambda r: factory.failed(r, "disconnected"), "1 disconnected"),
        (lambda r: factory.failed(r), "Unfinished: darts-A@5 (5/6 runs, 1 failed)"),
    ],
)
def test_each_weakness_is_said(tmp_path: Path, change, words: str) -> None:  # type: ignore[no-untyped-def]
    study = factory.study(seeds=6)
    rows = factory.rows(study)
    at = next(n for n, row in enumerate(rows) if row["method"] == "darts-A@5")
    rows[at] = change(rows[at])
    assert words in said(loaded(tmp_path, study, rows))


def test_whether_pairs_mix_processors_is_said(tmp_path: Path) -> None:
    study = factory.study(seeds=6)
    rows = factory.rows(study)
    apart = [{**row, "hardware": "Xeon (amx_bf16)"} if row["seed"] in (1, 4) else row for row in rows]
    text = said(loaded(tmp_path / "apart", study, apart))
    assert "(EPYC (avx2), Xeon (amx_bf16)): the trainings of each search seed from one, so that no pair mixes" in text
    first = next(n for n, row in enumerate(apart) if row["kind"] == "train" and row["seed"] == 4)
    moved = [{**r, "warnings": [f"{MOVED} X, the last ones on Y"]} if n == first else r for n, r in enumerate(apart)]
    assert "those of 1 of 6 search seeds from more than one" in said(loaded(tmp_path / "moved", study, moved))
    apart[first]["hardware"] = "EPYC (avx2)"
    text = said(loaded(tmp_path / "mixed", study, apart))
    assert "(EPYC (avx2), Xeon (amx_bf16)): those of 1 of 6 search seeds from more than one, so that pairs" in text


def test_few_seeds_and_weak_comparisons_are_said(tmp_path: Path) -> None:
    study = factory.study(seeds=3)
    text = said(loaded(tmp_path, study, factory.rows(study, effect=0.0)))
    assert "Few seeds: 3 search seeds" in text
    assert f"With 3 pairs only differences above {detectable(3, 0.05 / 30):.1f} standard deviations" in text
    assert "6 of 6 comparisons with twins are inconclusive, which is no evidence of equality" in text
    assert "One seed shows no spread" in said(
        loaded(tmp_path / "one", factory.study(seeds=1), factory.rows(factory.study(seeds=1)))
    )


def test_a_table_may_say_nothing_of_parameters(tmp_path: Path) -> None:
    """It has 0 for every network then."""
    study = factory.study(seeds=6)
    rows = [{**row, "parameters": 0 if row["role"] == "method" else row["parameters"]} for row in factory.rows(study)]
    assert "not in parameters" not in said(loaded(tmp_path, study, rows))


@pytest.mark.parametrize(("alpha", "least"), [(0.01, "1,730.7"), (0.001, "10,000"), (1e-300, "10,000")])
def test_two_pairs_in_a_large_family_find_what_is_huge_alone(alpha: float, least: str, tmp_path: Path) -> None:
    study = factory.study(seeds=2, alpha=alpha)
    text = said(loaded(tmp_path, study, factory.rows(study, effect=0.0)))
    assert f"With 2 pairs only differences above {least} standard deviations" in text


def test_networks_far_behind_the_mixture_they_are_read_from_are_said(tmp_path: Path) -> None:
    study = factory.study(seeds=6)
    rows = factory.rows(study)

    def ending(mixture: float, a: float, b: float) -> list[dict]:
        read = {"discretised_accuracy": {"A": a, "B": b}, "val_accuracy": mixture}
        return [{**row, "curve": [*row["curve"][:-1], {**row["curve"][-1], **read}]} if row["kind"] == "search" else row
                for row in rows]  # fmt: skip

    far = said(loaded(tmp_path / "far", study, ending(60.0, 20.0, 55.0)))
    assert (
        "supernet reaches 60.0 % on the validation split, what is read from it 20.0 % (A) with the same weights" in far
    )
    assert "the mixture" not in said(loaded(tmp_path / "near", study, ending(60.0, 52.0, 55.0)))


def test_the_fourteen_practices_are_answered_from_the_rows(tmp_path: Path) -> None:
    study = factory.study(seeds=5)
    results = loaded(tmp_path, study, factory.rows(study))
    table = lines(results)
    found = practices(results, table, compared(results, table).twins)
    assert [practice.number for practice in found] == list(range(1, 15))
    assert {practice.met for practice in found} <= {"yes", "partly", "no", "yours"}
    assert "0123456789ab" in found[0].done
    assert found[8].met == "yes"
    assert found[8].done.startswith("5 search seeds")


def test_practices_do_not_claim_what_did_not_happen(tmp_path: Path) -> None:
    study = factory.study(seeds=1, twins=0, snapshots=[5], rules=["A"])
    rows = [{**row, "dirty": True, "device": f"d{n}"} for n, row in enumerate(factory.rows(study))]
    results = loaded(tmp_path, study, rows)
    found = practices(results, lines(results), {})
    assert [found[n].met for n in (2, 4, 7, 8, 10)] == ["partly", "no", "no", "no", "partly"]
    empty = practices(loaded(tmp_path / "none", study, []), lines(results), {})
    assert len(empty) == 14


def test_methods_paragraph_holds_the_facts(tmp_path: Path) -> None:
    study = factory.study(seeds=5, train=2)
    results = loaded(tmp_path, study, factory.rows(study))
    text = methods_paragraph(results, lines(results))
    for fact in ("shortcut-vgg19 (width 0.125)", "8,000", "20 epochs", "5 seeds", "5, 10 and 20 epochs", "2 times each",
                 "0.0090131", "95 % t intervals", "Holm", "0.2 points", "torch 2.14.1", "on cpu"):  # fmt: skip
        assert fact in text
    assert "nan" not in text.lower().split()


def kept(name: str) -> tuple[str, list[Practice]]:
    """The methods paragraph and the practices of a study in this repository."""
    results = load(KEPT / name)
    table = lines(results)
    return methods_paragraph(results, table), practices(results, table, {})


def test_methods_paragraph_says_how_each_method_searched() -> None:
    text, _ = kept("shortcut-evolution-mini")
    ways = ("evolution with 20 candidates for evolution, read by rule A",
            "evolution with 20 candidates, scored by supernet for evolution-supernet, read by rule A",
            "random-search with 20 candidates for random-search, read by rule A",
            "darts in 20 epochs for darts-A, read by rule A after 20 epochs")  # fmt: skip
    assert f"Architectures were found by {'; '.join(ways)}. Every search was repeated with 3 seeds." in text
    assert "Supernets saw training images only" in text
    assert "Other candidates were scored on training images only." in text
    assert "trained from scratch" in text


def test_a_study_on_a_table_claims_no_training_of_its_own() -> None:
    text, found = kept("nasbench201-darts-mini")
    assert "trained with" not in text
    assert "trained from scratch" not in text
    assert "all-skip" not in text, "was not searched for"
    assert [found[n].met for n in (3, 5, 9, 10, 13)] == ["yes"] * 5
    assert all("nasbench201" in found[n].done for n in (3, 5, 9, 10))
    assert "trained anew" not in " ".join(one.done for one in found)


def test_lengths_of_different_methods_are_no_lengths_of_one_search() -> None:
    """Of shortcut-cifar10-one-shot two methods search for 20 and 14 epochs."""
    text, found = kept("shortcut-cifar10-one-shot")
    assert "20 epochs" in text
    assert found[6] == Practice(
        7, found[6].title, "partly", "Accuracy against device-hours; each search has one length."
    )
    assert "lengths of search" not in found[4].done


def test_methods_paragraph_of_a_bare_study(tmp_path: Path) -> None:
    folder = factory.write(tmp_path / "bare", {"name": "bare"}, [])
    results = load(folder)
    assert "None" not in methods_paragraph(results, lines(results))


CSV = "\n".join([
    "method,search_epochs,test_accuracy_mean,test_accuracy_std,params_millions_mean,params_millions_std,"
    "random_accuracy_mean",
    "A,50,70.70,0.22,0.42,0.07,70.2",
    "A,100,71.02,0.12,0.43,0.11,",
    "baseline,,70.03,0.10,0.316,,",
])  # fmt: skip


def test_published_numbers_stand_beside_ours(tmp_path: Path) -> None:
    study = factory.study(seeds=4, rules=["A"], snapshots=[5, 10])
    table = lines(loaded(tmp_path, study, factory.rows(study)))
    (tmp_path / "published.csv").write_text(CSV)
    cells = beside(table, tmp_path / "published.csv")
    assert {(c.published, c.method) for c in cells} == {
        ("A@50", "darts-A@5"), ("A@100", "darts-A@10"), ("baseline", "baseline")
    }  # fmt: skip
    first = cells[0]
    error = ((first.ours.std**2 + 0.22**2) / 4) ** 0.5
    assert first.errors == pytest.approx((first.ours.mean - 70.70) / error)
    assert len([c for c in cells if c.column == "random_accuracy"]) == 1


def test_published_numbers_of_other_rows_are_left_out(tmp_path: Path) -> None:
    study = factory.study(rules=["B"], snapshots=[5])
    table = lines(loaded(tmp_path, study, factory.rows(study)))
    (tmp_path / "p.csv").write_text(CSV)
    assert {c.method for c in beside(table, tmp_path / "p.csv")} == {"baseline"}
    (said,) = unanswered(table, tmp_path / "p.csv")
    assert said.endswith("these names: A.")
    (tmp_path / "p.csv").write_text(CSV.splitlines()[0] + "\n" + CSV.splitlines()[-1] + "\n")
    assert unanswered(table, tmp_path / "p.csv") == unanswered(table, None) == []
    (tmp_path / "p.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="column method, search_epochs is missing"):
        beside(table, tmp_path / "p.csv")


def test_studies_together_claim_nothing_of_one_for_all(tmp_path: Path) -> None:
    """The first of them by name has another data set, strategy and number of seeds than the second."""
    drawn = [{"name": "darts-A", "rule": "A", "strategy": "random-search", "twins": 1}]
    studies = [factory.study("one", seeds=2, rules=["A"], snapshots=[5]),
               factory.study("two", seeds=3, rules=["A"], snapshots=[5], data={"name": "cifar100"}, methods=drawn,
                             table={"name": "a table"})]  # fmt: skip
    folders = [factory.write(tmp_path / study["name"], study, factory.rows(study)) for study in studies]
    results = load(folders)
    table = lines(results)
    text, found = methods_paragraph(results, table), practices(results, table, {})
    assert text.startswith("Put together are the studies one and two; the report of each says")
    assert "Several folders were put together, which no protocol planned: all comparisons" in text
    assert not [words for words in ("8,000", "2 seeds", "No protocol", "looked up in") if words in text]
    assert (found[3].met, found[3].done) == ("no", "The studies put together here differ in data, table.")
    assert "random search is among the methods" in found[7].done
    assert found[9].met == "partly"
    assert "some networks were looked up in a table" in said(results)
    by_data = data_sets.groups(results.study, [line.method for line in table])
    assert by_data == {name: [f"{name}/darts-A@5", f"{name}/baseline"] for name in ("one", "two")}


def test_practices_name_what_rows_mix(tmp_path: Path) -> None:
    study = factory.study(seeds=2)
    rows = [{**row, "hardware": f"processor {row['seed']}"} for row in factory.rows(study)]
    results = loaded(tmp_path, study, rows)
    assert practices(results, lines(results), {})[10].done.endswith("from 2 kinds of processor or GPU.")


def test_what_a_study_notes_of_its_data_is_a_caveat_also_of_studies_together(tmp_path: Path) -> None:
    note = "folder comes in one part: 20 % of each class were held out as test images."
    studies = [factory.study(name, notes=[note]) for name in ("one", "two")]
    folders = [factory.write(tmp_path / s["name"], s, factory.rows(s)) for s in studies]
    for some in (folders[:1], folders):
        results = load(some)
        table = lines(results)
        assert caveats(results, table, compared(results, table)).count(note) == 1


@pytest.mark.parametrize(("schema", "path", "warned"), [(4, "eager", True), (5, "eager", False), (4, "table", False)])
def test_supernets_that_start_as_their_networks_do_are_said(
    schema: int, path: str, warned: bool, tmp_path: Path
) -> None:
    study = factory.study(seeds=6)
    rows = [{**row, "schema": schema, "path": path} for row in factory.rows(study)]
    assert ("Supernets started from the weights" in said(loaded(tmp_path, study, rows))) is warned
