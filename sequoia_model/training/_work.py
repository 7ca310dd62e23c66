"""What `train` does with a fold: its network, its predictions, and the files that it leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from sequoia_base.arguments import ProgressBar
from sequoia_base.flow import Flow
from sequoia_base.runs import Claim
from sequoia_model.splits import Splits
from sequoia_model.training.checkpoints import Checkpoints
from sequoia_model.training.data import TrainingData, load_training_data
from sequoia_model.training.fit import LOG_COLUMNS
from sequoia_model.training.fold_work import FolderJob, FoldWork, OnEpoch
from sequoia_model.training.folds import FoldRows, rows_of_folds
from sequoia_model.training.networks import Start, null_networks, read_start
from sequoia_model.training.one_fold import evaluate_fold, results_file, train_fold
from sequoia_model.training.options import TrainOptions
from sequoia_model.weights.loading import save_weights
from sequoia_model.weights.tensors import CONFIG, SAFETENSORS


@dataclass(frozen=True)
class Sources:
    """Where the training data come from; the parameters are those of `load_training_data`.

    Parameters
    ----------
    features : tuple of path
        Feature files, and folders of them.
    measured : path
        Measured expression.
    encoder, genes, patients, cache
        As in `load_training_data`.
    """

    features: tuple[Path, ...]
    measured: Path
    encoder: str | None = None
    genes: str | Path | None = None
    patients: str | Path | None = None
    cache: Path | None = None

    def load(self, seed: int, jobs: int = 1, progress: ProgressBar | None = None) -> TrainingData:
        """Read everything, or what the cache holds of it."""
        return load_training_data(
            self.features, self.measured, encoder=self.encoder, genes=self.genes, patients=self.patients,
            cache=self.cache, seed=seed, jobs=jobs, progress=progress,
        )  # fmt: skip


@dataclass(frozen=True)
class GeneJob:
    """What a process needs to train networks that predict genes.

    Parameters
    ----------
    folder : FolderJob
        How the run folder is filled.
    sources : Sources
        Where the data come from.
    options : TrainOptions
        How networks learn.
    splits : Splits
        Roles of the patients.
    tensorboard : bool
        Whether to write event files.
    """

    folder: FolderJob
    sources: Sources
    options: TrainOptions
    splits: Splits
    tensorboard: bool

    def again(self) -> GeneWork | None:
        """The work, made anew in another process; None if the data have changed."""
        data = self.sources.load(self.options.seed)
        if data.digest != self.folder.settings["data"]:
            return None
        rows = rows_of_folds(self.splits, data.patients, self.options, Flow())
        return GeneWork(self, data, rows, read_start(self.options))


class GeneWork(FoldWork):
    """One process at work on folds whose networks predict genes.

    Parameters
    ----------
    job : GeneJob
        What the work is.
    data : TrainingData
        The data, as this process has read them.
    rows : sequence of FoldRows
        All folds of the splits.
    start : Start, optional
        Weights from which networks start.
    on_epoch : callable, optional
        Called with the row of the log after each epoch of this process.
    """

    COLUMNS = LOG_COLUMNS

    def __init__(
        self,
        job: GeneJob,
        data: TrainingData,
        rows: Sequence[FoldRows],
        start: Start | None,
        on_epoch: OnEpoch | None = None,
    ) -> None:
        super().__init__(job.folder, rows)
        self.options, self.tensorboard = job.options, job.tensorboard
        self.data, self.start, self.on_epoch = data, start, on_epoch

    def outputs(self, fold: FoldRows) -> list[str]:
        """The network and the predictions of a fold."""
        name = f"fold_{fold.fold}"
        return [f"{name}/{CONFIG}", f"{name}/{SAFETENSORS}", results_file(fold.fold)]

    def learn(self, claim: Claim, fold: FoldRows, checkpoints: Path) -> str:
        """Train, and predict the test part beside the baselines."""
        job = self.job
        kept = Checkpoints(checkpoints, job.key, every=job.checkpoint_seconds)
        with self._told(fold.fold) as told:
            network, fitted = train_fold(
                self.data, fold, self.options, self.start, checkpoints=kept, device=torch.device(job.device),
                on_epoch=told,
            )  # fmt: skip
        claim.advance("predict", epochs=fitted.epochs, kept_epoch=fitted.kept_epoch)
        nulls = null_networks(network, self.options, fold.fold)
        predictions, chosen, about_baselines = evaluate_fold(network, nulls, self.data, fold)
        save_weights(network, claim.part / claim.name)
        (claim.part / ".runs").mkdir()
        predictions.save(claim.part / results_file(fold.fold))
        claim.remember(
            log=fitted.log, stop=fitted.stop, resumed_at=fitted.resumed_at, device=job.device,
            threads=torch.get_num_threads(), baselines=asdict(chosen),
        )  # fmt: skip
        return "; ".join(filter(None, [fitted.note, about_baselines]))

    @contextmanager
    def _told(self, fold: int) -> Iterator[Callable[[Mapping[str, Any]], None] | None]:
        """What is told of an epoch, with event files for TensorBoard if they are wanted."""
        on_epoch = self.on_epoch
        if not self.tensorboard:
            yield None if on_epoch is None else lambda row: on_epoch({"fold": fold, **row})
            return
        from torch.utils.tensorboard import SummaryWriter

        with SummaryWriter(self.job.output / "tensorboard" / f"fold_{fold}") as writer:

            def told(row: Mapping[str, Any]) -> None:
                for name in ("train_mse", "val_mse", "val_r"):
                    writer.add_scalar(name, row[name], row["epoch"])
                if on_epoch is not None:
                    on_epoch({"fold": fold, **row})

            yield told
