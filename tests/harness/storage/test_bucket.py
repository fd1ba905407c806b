"""Checkpoints at a URL: connections that break are tried again, rows are as without, and nothing secret is written."""

import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from threading import Timer
from typing import Any

import numpy as np
import pytest
import s3_server
from driven import ran, strikes
from pyarrow import fs as file_systems

from harness.cli import main
from harness.errors import BadInput, Stopped
from harness.run import checkpoints_at
from harness.storage import bucket, predictions
from harness.storage.bucket import Bucket, check_url
from harness.storage.checkpoint import Checkpoints, Superseded
from harness.storage.rows import latest_rows
from harness.storage.store import Refused, Store, Unreachable
from harness.vocabulary.rows import Trouble

FREE = ("host", "started", "finished", "seconds", "device_seconds", "peak_memory_bytes", "versions", "commit", "dirty",
        "protocol")  # fmt: skip


@dataclass
class Breaking:
    """A file system of whose calls a `part` breaks with `error`, the same ones every time."""

    error: str
    part: float
    calls: int = 0
    random: Random = field(default_factory=lambda: Random(0))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            self.calls += 1
            if self.random.random() < self.part:
                raise OSError(self.error)
            return getattr(file_systems.LocalFileSystem(), name)(*given, **named)

        return call


def broken(folder: Path, error: str, part: float, patience: float) -> Bucket:
    return Bucket(f"file://{folder}", str(folder), Breaking(error, part), patience)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket, "FIRST", 0.001)


def used(store: Store) -> None:
    """Every operation, with what it must give."""
    job = store.at("checkpoints/job")
    job.make()
    job.put("owner", b"me")
    job.put("000001.pt", b"first")
    job.put("000001.pt", b"again")
    assert job.get("000001.pt") == b"again"
    assert job.get("000002.pt") is None
    assert job.sizes() == {"owner": 2, "000001.pt": 5}
    assert store.at("checkpoints").places() == ["job"]
    assert job.name == "job"
    job.rename("000001.pt", "000001.pt.unfit")
    job.delete("owner")
    job.delete("owner")
    assert job.sizes() == {"000001.pt.unfit": 5}
    job.clear()
    assert store.at("checkpoints").places() == []
    job.clear()


def test_every_operation_survives_connections_that_break(tmp_path: Path) -> None:
    store = broken(tmp_path / "there", "the connection was reset", 0.3, 60.0)
    used(store)
    assert store.system.calls > 20


def test_what_does_not_answer_is_given_up_and_what_refuses_is_not_tried_again(tmp_path: Path) -> None:
    silent = broken(tmp_path, "AWS Error NETWORK_CONNECTION", 1, 0.05)
    with pytest.raises(Unreachable, match=rf"file://{tmp_path} cannot be reached: AWS Error NETWORK_CONNECTION"):
        silent.get("name")
    assert silent.system.calls > 3
    refusing = broken(tmp_path, "AWS Error ACCESS_DENIED", 1, 60.0)
    with pytest.raises(Refused, match="refuses access"):
        refusing.get("name")
    assert refusing.system.calls == 1


def test_who_lost_the_job_cannot_save_there_either(tmp_path: Path) -> None:
    place = Bucket.opened(f"file://{tmp_path}").at("job")
    before, after = Checkpoints(place), Checkpoints(place)
    before.claim()
    before.save(1, {"step": 1})
    after.claim()
    with pytest.raises(Superseded):
        before.save(2, {"step": 2})
    assert after.load()[1]["step"] == 1  # type: ignore[index]


def plain(folder: Path) -> dict[str, Any]:
    rows = {key: {**row, "curve": [{**point, "seconds": 0} for point in row["curve"]]}
            for key, row in latest_rows(folder / "driven").items()}  # fmt: skip
    return {key: {name: row[name] for name in row if name not in FREE} for key, row in rows.items()}


@pytest.mark.long
def test_a_study_gives_the_same_rows_and_leaves_nothing_there(tmp_path: Path) -> None:
    there = tmp_path / "there"
    ran(tmp_path / "usual")
    missing, _, _ = ran(tmp_path / "apart", strikes("train", Trouble.LOST, 2), checkpoints=f"file://{there}")
    assert missing == 0
    assert plain(tmp_path / "apart") == plain(tmp_path / "usual")
    assert not [path for path in there.rglob("*.pt")]
    assert [path.name for path in (there / "driven").iterdir() if path.is_file()] == ["owner"]
    assert not (tmp_path / "apart" / "driven" / "checkpoints").exists()


SHARED = """
name = "driven"
space = "shortcut-vgg11"
data = { name = "digits", train_images = 96, test_images = 32, image_size = 32 }
seeds = { search = 1 }
search = { epochs = 1, recipe = { precision = "fp32" } }
recipe = { epochs = 1, batch_size = 32, precision = "fp32" }
space_options = { width = 0.0625 }

[[method]]
name = "rs"
strategy = "random-search"
rule = "B"
search = { score = "supernet", candidates = 2 }
"""


@pytest.mark.training
@pytest.mark.slow
def test_weights_for_other_jobs_and_predictions_go_there_too(tmp_path: Path) -> None:
    ran(tmp_path / "usual", study=SHARED)
    assert ran(tmp_path / "apart", study=SHARED, checkpoints=f"file://{tmp_path}/there")[0] == 0
    assert plain(tmp_path / "apart") == plain(tmp_path / "usual")
    usual, apart = (sorted((tmp_path / one / "driven" / "predictions").iterdir()) for one in ("usual", "apart"))
    assert [(path.name, path.read_bytes()) for path in usual] == [(path.name, path.read_bytes()) for path in apart]
    assert not [path for path in (tmp_path / "there").rglob("*.*") if path.is_file()]


def test_another_results_folder_may_not_use_the_same_url(tmp_path: Path) -> None:
    there = f"file://{tmp_path}/there"
    ran(tmp_path / "mine", checkpoints=there)
    ran(tmp_path / "mine", checkpoints=there)
    with pytest.raises(BadInput, match="holds the checkpoints of another results folder"):
        ran(tmp_path / "yours", checkpoints=there)


def test_a_disk_that_is_full_at_the_first_start_locks_nobody_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = f"file://{tmp_path}/there"

    def full(path: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    with monkeypatch.context() as changed:
        changed.setattr(checkpoints_at, "write_atomically", full)
        with pytest.raises(Stopped, match="the same command carries on"):
            ran(tmp_path, checkpoints=there)
    assert ran(tmp_path, checkpoints=there)[0] == 0


@pytest.mark.parametrize("noted", ['{"mark": 5, "url": null}', "[]", "{"])
def test_a_note_of_the_store_that_says_nothing_is_as_none(noted: str, tmp_path: Path) -> None:
    (tmp_path / "driven").mkdir()
    (tmp_path / "driven" / "checkpoints.json").write_text(noted)
    assert ran(tmp_path, checkpoints=f"file://{tmp_path}/there")[0] == 0


def test_a_store_that_stays_away_stops_the_run_and_fails_no_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes away once everything was checked; the driver asks it where trials are lost for good."""
    monkeypatch.setattr(checkpoints_at, "PATIENCE", 0.01)
    claimed = checkpoints_at.claimed

    def going(folder: Path, store: Store) -> Store:
        found = claimed(folder, store)
        assert isinstance(found, Bucket)
        return replace(found, system=Breaking("AWS Error NETWORK_CONNECTION", 1))

    monkeypatch.setattr("harness.run.session.claimed", going)
    there = f"file://{tmp_path}/there"
    with pytest.raises(Stopped, match=r"cannot be reached: .*; nothing is lost, the same command carries on"):
        ran(tmp_path, strikes("search", Trouble.LOST), checkpoints=there)
    assert not latest_rows(tmp_path / "driven")
    monkeypatch.undo()
    assert ran(tmp_path, checkpoints=there)[0] == 0


def test_predictions_come_home(tmp_path: Path) -> None:
    store, key = Bucket.opened(f"file://{tmp_path}/there"), "a" * 16
    said = predictions.keep(store, key, 10, np.arange(5), np.zeros(5))
    (tmp_path / "there" / "predictions" / "nothing of ours").write_bytes(b"x")
    (tmp_path / "home").mkdir()
    predictions.gather(store, tmp_path / "home")
    other = tmp_path / "other"
    other.mkdir()
    assert predictions.keep(other, key, 10, np.arange(5), np.zeros(5)) == said
    found = {path.name: path.read_bytes() for path in (tmp_path / "home" / "predictions").iterdir()}
    assert found == {path.name: path.read_bytes() for path in (other / "predictions").iterdir()}
    assert list(store.at("predictions").sizes()) == ["nothing of ours"]


def refused(folder: Path, url: str, *more: str) -> None:
    with pytest.raises(SystemExit) as end:
        main(["run", "demo", "--executor", "in-process", "--results", str(folder), "--checkpoints", url, *more])
    assert end.value.code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["s3://KEY:S3CRET@bucket/x"], "the URL holds credentials"),
        (["abfs://box:S3CRET@account.dfs.core.windows.net/x"], "the URL holds credentials"),
        (["s3://bucket/x?secret_key=S3CRET"], "the URL holds 'secret_key'"),
        (["ftp://bucket/x"], "its scheme must be one of s3, gs"),
        (["/shared/x"], "its scheme must be one of s3, gs"),
        (["s3://"], "it names no bucket"),
        (["file:///shared/x#team"], "what follows # belongs to no place"),
        (["s3://bucket/x", "--disk-limit", "3"], "--disk-limit goes with checkpoints in the results folder"),
        (["s3://bucket/x", "--time-limit", "3"], "--time-limit needs a folder that all machines share"),
    ],
)  # fmt: skip
def test_a_url_that_cannot_be_meant_is_refused_in_one_line(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused(tmp_path, *arguments)
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert "S3CRET" not in error
    assert not list(tmp_path.iterdir())


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[s3_server.Proxy]:
    for name, value in s3_server.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with s3_server.server() as proxy:
        yield proxy


@pytest.mark.slow
def test_on_s3_every_operation_survives_broken_connections_and_an_outage(s3: s3_server.Proxy) -> None:
    store = Bucket.opened(s3.url())
    s3.broken = 0.25
    used(store)
    assert s3.cut > 3
    s3.broken = 0
    s3.leave()
    with pytest.raises(Unreachable):
        replace(store, patience=0.0).put("name", b"content")
    Timer(2, s3.come_back).start()
    store.put("name", b"content")
    assert store.get("name") == b"content"


@pytest.mark.slow
def test_a_study_on_s3_gives_the_same_rows(s3: s3_server.Proxy, tmp_path: Path) -> None:
    s3.broken = 0.2
    ran(tmp_path / "usual")
    assert ran(tmp_path / "apart", strikes("train", Trouble.LOST, 2), checkpoints=s3.url())[0] == 0
    assert plain(tmp_path / "apart") == plain(tmp_path / "usual")
    assert s3.cut
    assert not Bucket.opened(s3.url()).at("driven/checkpoints").places()


@pytest.mark.slow
def test_a_bucket_that_is_not_there_or_does_not_answer_is_one_line(
    s3: s3_server.Proxy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused(tmp_path, s3.url("nobody"))
    assert "NO_SUCH_BUCKET" in capsys.readouterr().err
    s3.leave()
    refused(tmp_path, s3.url())
    error = capsys.readouterr().err
    assert "s3://bucket/prefix/demo cannot be reached" in error
    assert not [value for name, value in s3_server.CREDENTIALS.items() if "KEY" in name and value in error]
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and "made-up" in path.read_text()]
    assert "made-up-secret" in os.environ.values()


def test_an_error_is_said_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("AWS_SECRET_ACCESS_KEY", "AZURE_CLIENT_SECRET", "AZURE_STORAGE_CONNECTION_STRING", "AZURE_PASSWORD")
    for name in names:
        monkeypatch.setenv(name, f"made-up-{name}")
    assert bucket.said(OSError(" ".join(f"made-up-{name}" for name in names))) == "… … … …"


@pytest.mark.parametrize("url", ["abfs://box@account.dfs.core.windows.net/x", "hdfs://me@namenode:8020/x"])
def test_a_container_or_a_user_before_the_host_is_no_secret(url: str) -> None:
    check_url(url)
