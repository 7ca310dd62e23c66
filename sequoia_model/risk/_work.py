"""What `risk` does with a fold: its network, the risks of its test part, and the files that it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from sequoia_base.arguments import ProgressBar
from sequoia_base.flow import Flow
from sequoia_base.runs import Claim
from sequoia_model.risk._one_fold import evaluate_risks, risk_file, train_repeats
from sequoia_model.risk.data import RiskData, load_risk_data
from sequoia_model.risk.fit import RISK_LOG_COLUMNS
from sequoia_model.risk.options import RiskOptions
from sequoia_model.splits import Splits
from sequoia_model.training.checkpoints import Checkpoints
from sequoia_model.training.fold_work import FolderJob, FoldWork, OnEpoch
from sequoia_model.training.folds import FoldRows, divided
from sequoia_model.weights.loading import save_weights
from sequoia_model.weights.tensors import CONFIG, SAFETENSORS


@dataclass(frozen=True)
class RiskSources:
    """Where features and outcomes come from; the parameters are those of `load_risk_data`.

    Parameters
    ----------
    features : tuple of path
        Feature files, and folders of them.
    outcome : path
        The outcome of each patient.
    encoder, patients, cache
        As in `load_risk_data`.
    """

    features: tuple[Path, ...]
    outcome: Path
    encoder: str | None = None
    patients: str | Path | None = None
    cache: Path | None = None

    def load(self, seed: int, jobs: int = 1, progress: ProgressBar | None = None) -> RiskData:
        """Read everything, or what the cache holds of it."""
        return load_risk_data(
            self.features, self.outcome, encoder=self.encoder, patients=self.patients, cache=self.cache, seed=seed,
            jobs=jobs, progress=progress,
        )  # fmt: skip


@dataclass(frozen=True)
class RiskJob:
    """What a process needs to train networks that learn risk.

    Parameters
    ----------
    folder : FolderJob
        How the run folder is filled.
    sources : RiskSources
        Where the data come from.
    options : RiskOptions
        How networks learn.
    splits : Splits
        Roles of the patients.
    """

    folder: FolderJob
    sources: RiskSources
    options: RiskOptions
    splits: Splits

    def again(self) -> RiskWork | None:
        """The work, made anew in another process; None if the data have changed."""
        data = self.sources.load(self.options.seed)
        if data.digest != self.folder.settings["data"]:
            return None
        return RiskWork(self, data, patients_of_folds(self.splits, data, self.options, Flow()))


def patients_of_folds(
    splits: Splits, data: RiskData, options: RiskOptions, flow: Flow, *, given: bool = False
) -> tuple[FoldRows, ...]:
    """The patients of every fold by their rows; parameters and errors as in `divided`."""
    absent = "no outcome, or no slide with features"
    return divided(
        splits, data.names, flow, absent=absent, item="patient", no_val=options.no_val, given=given
    )


class RiskWork(FoldWork):
    """One process at work on folds whose networks learn risk.

    Parameters
    ----------
    job : RiskJob
        What the work is.
    data : RiskData
        The data, as this process has read them.
    rows : sequence of FoldRows
        All folds of the splits.
    on_epoch : callable, optional
        Called with the row of the log after each epoch of this process.
    """

    COLUMNS = ("repeat", *RISK_LOG_COLUMNS)

    def __init__(
        self, job: RiskJob, data: RiskData, rows: Sequence[FoldRows], on_epoch: OnEpoch | None = None
    ) -> None:
        super().__init__(job.folder, rows)
        self.options, self.data, self.on_epoch = job.options, data, on_epoch

    def outputs(self, fold: FoldRows) -> list[str]:
        """The network and the risks of a fold."""
        name = f"fold_{fold.fold}"
        return [f"{name}/{CONFIG}", f"{name}/{SAFETENSORS}", risk_file(fold.fold)]

    def learn(self, claim: Claim, fold: FoldRows, checkpoints: Path) -> str:
        """Train all repeats, and tell the risk of the test part beside the baselines."""
        job, on_epoch = self.job, self.on_epoch
        network, fits = train_repeats(
            self.data,
            fold,
            self.options,
            # that of a repeat stays until the fold is done: a repeat that has ended is then not trained again
            checkpoints=lambda repeat: Checkpoints(
                checkpoints / f"repeat_{repeat}", job.key, every=job.checkpoint_seconds
            ),
            device=torch.device(job.device),
            on_epoch=None if on_epoch is None else lambda row: on_epoch({"fold": fold.fold, **row}),
        )
        first = fits[0]
        claim.advance("predict", epochs=first.epochs, kept_epoch=first.kept_epoch)
        risks, penalty = evaluate_risks(network, self.data, fold, self.options)
        save_weights(network, claim.part / claim.name)
        (claim.part / ".runs").mkdir()
        risks.save(claim.part / risk_file(fold.fold))
        resumed = [fitted.resumed_at for fitted in fits if fitted.resumed_at is not None]
        claim.remember(
            log=[{"repeat": repeat, **row} for repeat, fitted in enumerate(fits) for row in fitted.log],
            stop=first.stop,
            resumed_at=resumed[-1] if resumed else None,
            device=job.device,
            threads=torch.get_num_threads(),
            baselines={"ridge_cox_penalty": penalty},
        )
        return "; ".join(dict.fromkeys(fitted.note for fitted in fits if fitted.note))
