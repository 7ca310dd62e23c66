"""Peak memory of a process that trains the full network, phase by phase.

The size is that of BRCA: 1,130 slides of 1,062 patients, 100 × 1,024 cluster means that are mapped from a file as
`train` maps them, and 20,820 genes. A child process does what `train` does in turn. A fold learns for one epoch of a
few steps, validates on its whole validation part, saves the network and writes a checkpoint. Its network and an
untrained one predict some slides, beside baselines that learn from the whole training part. Then five folds are
joined: the predictions of the first stand in for those of the others, which would take as much memory.

Pages of files that are mapped, also those of torch's libraries, count as memory of the process, although the system
may take them back at any time: the peak without them is printed as well.

``python -m tests.bench.training_memory --slides 200 --genes 2000`` takes less than a minute.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import numpy as np

SLIDES, PATIENTS, GENES, CLUSTERS, DIM = 1130, 1062, 20_820, 100, 1024
#: Slides that a fold learns from, and that its networks predict: more take time, but no more memory.
TRAINED_ON, PREDICTED = 48, 32
UNITS = "log2(FPKM-UQ+1)"
GOAL, ARRAYS_GOAL = 2.6, 0.6
SCRIPT = "from tests.bench.training_memory import child; child({folder!r})"


def write_data(folder: Path, n: int, n_genes: int) -> None:
    """Random cluster means and expression."""
    generator = np.random.default_rng(0)
    means = np.lib.format.open_memmap(folder / "means.npy", "w+", np.dtype(np.float32), (n, CLUSTERS, DIM))
    for slide in means:
        slide[:] = generator.standard_normal((CLUSTERS, DIM), dtype=np.float32)
    means.flush()
    np.save(folder / "expression.npy", generator.uniform(0, 12, (n, n_genes)).astype(np.float32))


def memory() -> tuple[int, int]:
    """Resident memory of this process, and the part of it that is no mapped file, in bytes."""
    words = Path("/proc/self/status").read_text().split()
    resident, anonymous = (1024 * int(words[words.index(name) + 1]) for name in ("VmRSS:", "RssAnon:"))
    return resident, anonymous


@contextmanager
def phase(name: str) -> Iterator[None]:
    """Print the peaks of what happens in the block, looked at 100 times a second."""
    peaks, ended = [0, 0], Event()

    def watch() -> None:
        while True:
            peaks[:] = map(max, peaks, memory())
            if ended.wait(0.01):
                return

    thread = Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        print(f"{name:<44} peak {peaks[0] / 1e9:5.2f} GB   without mapped files {peaks[1] / 1e9:5.2f} GB")


def child(folder: str) -> None:
    """What `train` does with one fold, and with five that are done."""
    with phase("imports"):
        import torch

        from sequoia_base.flow import Flow
        from sequoia_base.runs import RunFolder
        from sequoia_model.leakage import audit_splits
        from sequoia_model.splits import draw
        from sequoia_model.training._run_files import assemble, describe, run_record
        from sequoia_model.training._work import GeneJob, GeneWork, Sources
        from sequoia_model.training.checkpoints import Checkpoints
        from sequoia_model.training.data import TrainingData
        from sequoia_model.training.fold_work import FolderJob
        from sequoia_model.training.folds import rows_of_folds
        from sequoia_model.training.networks import null_networks
        from sequoia_model.training.one_fold import evaluate_fold, results_file, train_fold
        from sequoia_model.training.options import TrainOptions
        from sequoia_model.training.result import FoldRun
        from sequoia_model.weights.loading import save_weights
        from sequoia_model.weights.tensors import CONFIG, SAFETENSORS

    root, output = Path(folder), Path(folder, "run")
    with phase("data"):
        means = np.load(root / "means.npy", mmap_mode="r")
        expression = np.load(root / "expression.npy")
        n, n_genes = expression.shape
        slides, genes = tuple(f"S{i}" for i in range(n)), tuple(f"G{i}" for i in range(n_genes))
        patients = np.array([f"P{i * PATIENTS // SLIDES}" for i in range(n)], dtype=object)
        none = np.full(n, "", dtype=object)
        files, flow = tuple(map(Path, slides)), Flow()
        data = TrainingData(
            slides, patients, none, files, means, expression, genes, "uni", UNITS, flow.to_frame(), (), (), ""
        )  # fmt: skip
        for slide in means:  # all pages of the file, as after reading it
            slide.sum()
    print(
        f"{'data arrays':<44}      {(means.nbytes + expression.nbytes) / 1e9:5.2f} GB   goal <= {ARRAYS_GOAL} GB"
    )

    options, splits = TrainOptions(epochs=1).completed("cpu"), draw(patients)
    rows = rows_of_folds(splits, patients, options, flow)
    settings = options.settings() | {"data": ""}
    run_record(output).begin(settings, lambda: describe(output, data, splits, ()), force=False)
    fold = rows[0]
    few = replace(fold, train=fold.train[:TRAINED_ON])
    some = replace(fold, val=fold.val[:PREDICTED], test=fold.test[:PREDICTED])
    checkpoints = Checkpoints(root / "checkpoint", "", every=0)
    with phase("steps, validation, checkpoint"):
        network, fitted = train_fold(
            data, few, options, None, checkpoints=checkpoints, device=torch.device("cpu")
        )
    with phase("evaluation"):
        untrained = null_networks(network, options, 0)
        results, *_ = evaluate_fold(network, untrained, data, some)
        del untrained
    with phase("saving five folds"):
        named = {f"fold_{fold.fold}": fold for fold in rows}
        for name, claim in RunFolder(output, item="fold", facts=("epochs", "kept_epoch")).in_turn(
            list(named)
        ):
            assert not isinstance(claim, Exception)
            with claim:
                fold = named[name]
                claim.begin("train", settings)
                claim.advance("predict", epochs=fitted.epochs, kept_epoch=fitted.kept_epoch)
                save_weights(network, claim.part / name)
                (claim.part / ".runs").mkdir()
                cyclic = {
                    what: np.resize(y, (len(fold.test), n_genes)) for what, y in results.predicted.items()
                }
                replace(results, rows=fold.test, predicted=cyclic).save(claim.part / results_file(fold.fold))
                claim.remember(log=fitted.log, stop=fitted.stop, resumed_at=None, device="cpu", threads=1)
                claim.place(name).mkdir(exist_ok=True)
                claim.finish([f"{name}/{CONFIG}", f"{name}/{SAFETENSORS}", results_file(fold.fold)])
        del results, cyclic, network, claim
    with phase("joining the folds"):
        runs = [FoldRun(fold.fold, "done") for fold in rows]
        folder = FolderJob(output, settings, "cpu", 1, None, 0.0, False, 0.0)
        job = GeneJob(folder, Sources((root,), root), options, splits, False)
        run = assemble(GeneWork(job, data, rows, None), runs, flow, audit_splits(splits))
    assert run.summary is not None and run.summary.n_slides == n


def bench(n: int = SLIDES, n_genes: int = GENES) -> None:
    """Print the lines of this file."""
    with tempfile.TemporaryDirectory() as name:
        write_data(Path(name), n, n_genes)
        print(f"{n:,} slides x {n_genes:,} genes x {CLUSTERS} x {DIM}; goal <= {GOAL} GB in every phase")
        subprocess.run([sys.executable, "-c", SCRIPT.format(folder=name)], check=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--slides", type=int, default=SLIDES)
    parser.add_argument("--genes", type=int, default=GENES)
    given = parser.parse_args()
    bench(given.slides, given.genes)
