"""Opens the tracker that a target names. Its package is imported here alone, in a process of its own."""

from pathlib import Path

from harness.trackers.targets import Target
from harness.trackers.tracker import Tracker


def opened(target: Target, folder: Path, study: str) -> Tracker:
    """Any exception means that it is not there now."""
    if target.kind == "mlflow":
        from harness.trackers.mlflow_runs import MLflow

        return MLflow(target, study, folder)
    if target.kind == "wandb":
        from harness.trackers.wandb_runs import WandB

        return WandB(folder, study)
    from harness.trackers.tensorboard_files import TensorBoard

    return TensorBoard(folder)
