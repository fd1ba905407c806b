"""What comes after a search is changed: the search that is there is taken, and only the rest runs."""

from pathlib import Path

import pytest

from tests.driven import STUDY, ran

CELLS = STUDY.replace('"shortcut-vgg11"', '"cell-study1"').replace(
    'space_options = { width = 0.125 }', "space_options = { channels = 4 }").replace(
    'method = [{ name = "darts-A", rule = "A", twins = 1 }, { name = "baseline" }]',
    'method = [{ name = "nodes", rule = "node-wise", twins = 1 }]')  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize(
    ("study", "old", "new"),
    [
        (STUDY, "epochs = 2, lr", "epochs = 3, lr"),
        (STUDY, "epochs = 2, lr", "epochs = 1, lr"),
        (STUDY, "image_size = 32", "image_size = 32, test_images = 100"),
        (STUDY, "twins = 1", "twins = 2"),
        (STUDY, '{ name = "baseline" }', '{ name = "baseline", recipe = { lr = 0.5 } }'),
        (STUDY, "seeds = { search = 1 }", "seeds = { search = 1, train = 2 }"),
        (CELLS, "channels = 4", "channels = 4, train_cells = 2"),
        (CELLS, "channels = 4", "channels = 4, drop_path = 0.2"),
    ],
)
def test_a_search_does_not_run_again(tmp_path: Path, study: str, old: str, new: str) -> None:
    assert old in study
    first = [one.job.kind for one in ran(tmp_path, study=study)[2]]
    second = [one.job.kind for one in ran(tmp_path, study=study.replace(old, new))[2]]
    assert "search" in first
    assert second
    assert set(second) == {"train"}
