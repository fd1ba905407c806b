"""Only what fits runs together: a fake GPU, a fake disk, and trials that do not fit at first."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.engine import memory as memory_module
from harness.errors import BadInput
from harness.plan.jobs import Job
from harness.run.admission import FOOTPRINT, TRIES, Admission, DiskCap, Shares, larger, needed, parse_shares
from harness.storage.folder import checkpoint_folder
from harness.training import run_job
from harness.training.place import Place, Progress
from harness.vocabulary.rows import Trouble


def job(kind: str, number: int = 0) -> Job:
    return Job(f"{kind}-{number}", kind, kind, kind, {"seed": 0})


def admission(share: float, folder: Path = Path("none"), limit: float | None = None) -> Admission:
    return Admission(Shares({}, {"": share}), "cuda", DiskCap(folder, limit))


def epoch(memory: float) -> Progress:
    return Progress(1, 2, 1.0, memory=memory)


@given(st.floats(0.01, 1), st.floats(0, 2))
def test_a_share_is_never_below_the_request_nor_the_need_nor_above_the_gpu(requested: float, peak: float) -> None:
    share = needed(requested, peak)
    assert requested <= share <= 1
    assert share == 1 or share >= peak


@given(st.floats(0.01, 0.99))
def test_after_running_out_of_memory_a_share_doubles_up_to_the_whole_gpu(share: float) -> None:
    tried = [share]
    while more := larger(tried[-1]):
        assert more == min(1, 2 * tried[-1])
        tried.append(more)
    assert tried[-1] == 1


def test_whole_gpus_and_cores_are_left_as_they_are() -> None:
    assert (needed(1, 0.5), needed(4, 0.5), needed(0, 0.5), larger(1), larger(0)) == (1, 4, 0, None, None)


class FakeGpu:
    """Places as Ray does, by the sum of fractions; knows what each kind of trial really takes."""

    def __init__(self, takes: Mapping[str, float]) -> None:
        self.takes, self.running = takes, dict[str, tuple[Job, float]]()

    def has_room(self, share: float) -> bool:
        return sum(share for _, share in self.running.values()) + share <= 1 + 1e-9

    @property
    def used(self) -> float:
        return sum(self.takes[job.kind] for job, _ in self.running.values())


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["search", "train", "score"]), min_size=1, max_size=30),
       st.fixed_dictionaries({kind: st.floats(0.02, 0.9) for kind in ("search", "train", "score")}),
       st.sampled_from([0.1, 0.25, 0.5]), st.randoms(use_true_random=False))  # fmt: skip
def test_every_trial_ends_and_measured_kinds_never_overfill_the_gpu(kinds, takes, share, random) -> None:
    """Trials of unknown kinds may run out of memory once each; then the doubled share sees to it."""
    gpu, ask = FakeGpu(takes), admission(share)
    waiting, failed, rounds = [job(kind, n) for n, kind in enumerate(kinds)], 0, 0
    while waiting or gpu.running:
        rounds += 1
        assert rounds < 1000
        for one in list(waiting):
            if ask.allows(one.kind) and gpu.has_room(ask.share(one)[1]):
                waiting.remove(one)
                gpu.running[one.key] = (one, ask.start(one)[1])
        key = random.choice(sorted(gpu.running))
        one, share_ = gpu.running[key]
        if gpu.used > 1:
            failed += share_ >= 1
            if ask.end(one, Trouble.NO_MEMORY, share_):
                waiting.append(one)
        else:
            assert ask.seen(one, epoch(takes[one.kind])) is None
            ask.end(one, "done", share_)
        del gpu.running[key]
        if all(running.kind in ask.peaks and running_share >= ask.share(running)[1]
               for running, running_share in gpu.running.values()):  # fmt: skip
            assert gpu.used <= 1
    assert failed == 0


def test_of_an_unmeasured_kind_one_trial_runs_first() -> None:
    ask = admission(0.25)
    ask.start(job("train", 1))
    assert not ask.allows("train")
    assert ask.allows("search")
    ask.seen(job("train", 1), epoch(0.3))
    assert ask.allows("train")
    assert ask.share(job("train", 2)) == (1, pytest.approx(0.33))


def test_whole_gpus_need_no_measuring() -> None:
    ask = admission(1.0)
    ask.start(job("train", 1))
    assert ask.allows("train")


def test_a_lost_trial_is_tried_again_while_it_gets_on() -> None:
    ask, one = admission(1.0), job("train")
    for _ in range(3 * TRIES):
        assert ask.end(one, Trouble.LOST, 1.0)
        ask.seen(one, epoch(0.1))
    assert [ask.end(one, Trouble.LOST, 1.0) for _ in range(TRIES + 1)] == [True] * TRIES + [False]


def test_what_did_not_fit_alone_is_not_tried_again() -> None:
    assert admission(1.0).end(job("train"), Trouble.NO_MEMORY, 1.0) is False


def write(folder: Path, one: Job, size: int) -> None:
    below = checkpoint_folder(folder, one.key)
    below.mkdir(parents=True, exist_ok=True)
    (below / "000001.pt").write_bytes(bytes(size))


def test_under_a_disk_cap_only_what_fits_starts(tmp_path: Path) -> None:
    ask = admission(1.0, tmp_path, limit=11_000)
    first, second = job("train", 1), job("train", 2)
    ask.start(first)
    assert not ask.allows("train")  # how much a trial takes is not known yet
    write(tmp_path, first, 1500)
    assert ask.seen(first, epoch(0)) is None
    assert ask.allows("train")  # 2 × FOOTPRINT × 1,500 = 9,000
    ask.start(second)
    assert not ask.allows("train")
    ask.end(first, "done", 1.0)  # what is left of it: 1,500
    assert ask.allows("train")


def test_a_disk_cap_that_is_passed_stops_the_study_and_says_so(tmp_path: Path) -> None:
    ask, one = admission(1.0, tmp_path, limit=10_000), job("search")
    ask.start(one)
    write(tmp_path, one, 11_000)
    said = ask.seen(one, epoch(0))
    assert said is not None
    assert "--disk-limit" in said
    assert f"{FOOTPRINT * 11_000 / 1e9:.3g} GB" in said


def test_shares_per_kind() -> None:
    shares = Shares(parse_shares("--cpus-per-trial", ["1", "search=2"]), parse_shares("--gpus-per-trial", ["0.25"]))
    assert shares.of("search", "cuda") == (2, 0.25)
    assert shares.of("train", "cuda:1") == (1, 0.25)
    assert Shares({}, {}).of("train", "cuda") == (1, 1)
    assert Shares({}, {}).of("train", "cpu") == (1, 0)


@pytest.mark.parametrize("texts", [["1", "2"], ["train=1,train=2"], ["train=1", "train=2"]], ids=str)
def test_a_share_is_given_once(texts: list[str]) -> None:
    with pytest.raises(BadInput, match="is given twice"):
        parse_shares("--cpus-per-trial", texts)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "much", "cook=1", "nan", "1025", "train=1e30"])
def test_wrong_shares_are_named(text: str) -> None:
    with pytest.raises(BadInput, match=f"--gpus-per-trial {text}"):
        parse_shares("--gpus-per-trial", [text])


def test_the_peak_is_the_trials_own() -> None:
    memory_module.start("cpu")
    block = bytearray(os.urandom(1)) * 100_000_000
    high = memory_module.peak("cpu")
    del block
    memory_module.start("cpu")
    assert memory_module.peak("cpu") < high - 80_000_000


@pytest.mark.parametrize(
    "said",
    [
        "CUDA out of memory. Tried to allocate 20.00 MiB",
        "CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported",  # for its context
        "CUDA driver error: out of memory",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
    ],
)
def test_a_full_gpu_is_recognised_whoever_finds_it(said: str) -> None:
    assert memory_module.exhausted(RuntimeError(said))


@pytest.mark.parametrize("said", ["CUDA error: invalid device ordinal", "cuDNN error: CUDNN_STATUS_BAD_PARAM", ""])
def test_other_troubles_of_a_gpu_are_no_lack_of_memory(said: str) -> None:
    assert not memory_module.exhausted(RuntimeError(said))


@pytest.mark.skipif(torch.cuda.is_available(), reason="for machines without a GPU")
def test_a_gpu_that_does_not_start_is_the_trials_outcome(tmp_path: Path) -> None:
    trial = run_job.run("0123456789abcdef", {}, Place(str(tmp_path), "cuda", 1, 0.5, None))
    with pytest.raises(StopIteration) as end:
        next(trial)
    assert end.value.value["status"] == "failed"
    assert re.search("CUDA|NVIDIA", end.value.value["error"])
