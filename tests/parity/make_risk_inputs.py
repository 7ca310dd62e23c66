"""Write the inputs of the parity tests of `risk compare`: ``python -m tests.parity.make_risk_inputs``."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sequoia_stats import datasets
from tests.parity.make_inputs import _write

#: Scale of the scores in each fold: what a network of its own gives, unrelated to the patients that it tests.
CENTRES, SCALES = (0.0, 4.0, -3.0, 1.5), (1.0, 2.5, 0.4, 1.0)


def main() -> None:
    """Write the patients with two scores in four folds, and the scale of the training patients of each."""
    tcga = datasets.load_tcga_brca()
    covariates = tcga.covariates[["pam50", "er"]]
    known = covariates.notna().all(axis=1).to_numpy()
    generator = np.random.default_rng(0)
    n = int(known.sum())
    fold = generator.permutation(np.arange(n) % len(CENTRES))
    ranks = tcga.expression.loc[known, ["AURKA", "CCNB1", "UBE2C"]].rank(pct=True).mean(axis=1).to_numpy()
    image = 0.5 * ranks + 0.2 * generator.normal(size=n)
    centre, scale = np.take(CENTRES, fold), np.take(SCALES, fold)
    table = pd.DataFrame(
        {
            "time": tcga.outcome.time[known],
            "event": tcga.outcome.event[known].astype(int),
            "fold": fold,
            "genes": (centre + scale * ranks).round(3),
            "image": (centre - scale * image).round(3),
            "pam50": covariates.loc[known, "pam50"].astype(str).to_numpy(),
            "er": covariates.loc[known, "er"].to_numpy(),
        },
        tcga.patients[known],
    )
    _write("risk", "patients", table)
    training = [
        (model, k, np.mean(own), np.std(own, ddof=1), np.median(own))
        for model, risk in (("genes", ranks), ("image", -image))
        for k in range(len(CENTRES))
        for own in [CENTRES[k] + SCALES[k] * risk[fold != k]]
    ]
    scale_of = pd.DataFrame(training, columns=["model", "fold", "mean", "sd", "cutoff"]).round(3)
    scale_of.insert(2, "n_train", [int((fold != k).sum()) for k in scale_of["fold"]])
    _write("risk", "folds", scale_of.set_index(scale_of["model"] + "_" + scale_of["fold"].astype(str)))


if __name__ == "__main__":
    main()
