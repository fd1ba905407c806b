"""What the words of a command line stand for: how a study is to run, here or by a batch script."""

import argparse
from functools import partial
from typing import TYPE_CHECKING

from harness.commands import context
from harness.errors import BadInput

if TYPE_CHECKING:
    from harness.run.admission import Shares
    from harness.run.driver import Driver
    from harness.run.prepare import Elsewhere
    from harness.run.session import Execute, Room, Session


def here(options: argparse.Namespace) -> "Session":
    """Of a command that runs now, by a Ray of its own or on a cluster."""
    from harness.engine.device import device_named

    execute = _executor(options)
    remote = getattr(options, "address", None) and options.device != "auto"
    device = options.device if remote else str(device_named(options.device))
    return _session(options, execute, device, _elsewhere(options), _room(options, device))


def of_a_script(options: argparse.Namespace) -> "Session":
    """Of a run that a batch script starts, on machines that are not looked at."""

    def later(_: "Driver") -> None:
        """Its own `nas-harness run` does it."""

    return _session(options, later, options.device, lambda: "fp32", None)


def _session(options: argparse.Namespace, execute: "Execute", device: str, elsewhere: "Elsewhere | None",
             room: "Room | None") -> "Session":  # fmt: skip
    from harness.data import datasets
    from harness.run.session import Session
    from harness.trackers.feed import Trackers
    from harness.trackers.targets import targets

    gigabytes = getattr(options, "disk_limit", None)
    return Session(execute, shares(options).checked(device), device, datasets.data_root(options.data_root),
                   options.line,
                   time_limit=getattr(options, "time_limit", None),
                   disk_limit=gigabytes and gigabytes * 1e9,
                   engine_path=getattr(options, "path", None),
                   reuse=context.reused(options), checkpoints=_checkpoints(options),
                   trackers=Trackers(targets("--track", getattr(options, "track", []))),
                   elsewhere=elsewhere, room=room)  # fmt: skip


def _checkpoints(options: argparse.Namespace) -> str | None:
    """The URL. Raises BadInput where it is none, or beside options that are about a disk which all machines share."""
    if (url := getattr(options, "checkpoints", None)) is None:
        return None
    from harness.storage.bucket import check_url

    check_url(url)
    if options.disk_limit is not None:
        raise BadInput("--disk-limit goes with checkpoints in the results folder, not with --checkpoints")
    if options.time_limit is not None:
        raise BadInput("--time-limit needs a folder that all machines share, not --checkpoints: where a trial hung is "
                       "written there")  # fmt: skip
    return str(url)


def _elsewhere(options: argparse.Namespace) -> "Elsewhere | None":
    """A cluster's nodes, who have the GPUs that its head may lack."""
    if not (address := getattr(options, "address", None)) or options.device == "auto":
        return None
    from harness.ray_tune import gpus

    return partial(gpus.precision, address)


def _room(options: argparse.Namespace, device: str) -> "Room | None":
    """What a Ray that is started here has at most: (cores, GPUs)."""
    if getattr(options, "executor", "in-process") != "ray" or options.address:
        return None
    import torch

    from harness.engine.cores import cores

    cards = torch.cuda.device_count() if device.startswith("cuda") else float("inf")
    return options.cpus or cores(), cards


def shares(options: argparse.Namespace) -> "Shares":
    from harness.run.admission import Shares, parse_shares

    return Shares(parse_shares("--cpus-per-trial", options.cpus_per_trial),
                  parse_shares("--gpus-per-trial", options.gpus_per_trial), _pack(options))  # fmt: skip


def _pack(options: argparse.Namespace) -> dict[str, int]:
    """Kind → trials that share a process."""
    from harness.run.admission import parse_shares

    found = parse_shares("--pack", getattr(options, "pack", []))
    if odd := [value for value in found.values() if value % 1]:
        raise BadInput(f"--pack {odd[0]:g}: write a whole number, or KIND=NUMBER as in train=4")
    return {kind: int(value) for kind, value in found.items()}


def _executor(options: argparse.Namespace) -> "Execute":
    """Raises BadInput where options do not go together."""
    address, cpus = getattr(options, "address", None), getattr(options, "cpus", None)
    if address and cpus:
        raise BadInput("--cpus is for a Ray that is started here; with --address the cluster says how many there are")
    if getattr(options, "executor", "in-process") == "in-process":
        if address or cpus:
            beside = "--address" if address else "--cpus"
            raise BadInput(f"--executor in-process runs one trial after another without Ray; leave {beside} out")
        from harness.run import in_process

        return in_process.run
    if options.device.startswith("cuda:"):
        raise BadInput(f"--device {options.device}: Ray hands out the GPUs; write --device cuda, and set "
                       f"CUDA_VISIBLE_DEVICES={options.device[5:]} to keep to that one")  # fmt: skip
    from harness.data import datasets
    from harness.ray_tune import searcher
    from harness.ray_tune.cluster import Options, refuse_another

    refuse_another()
    root = datasets.data_root(options.data_root)
    chosen = Options(options.address, options.cpus, root)
    return lambda driver: searcher.run(driver, chosen)
