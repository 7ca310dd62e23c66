"""Simulated predictions: measured expression plus noise, until a network provides predictions of slides.

They show what the statistics and figures do and say nothing about images. For gene g and slide i of one cohort,
with z the measured expression standardised over its patients:

1. *Share.* c_g is the share of a gene's variance that the cohort's first principal components carry. What many
   genes have in common, such as the composition of the tissue, is what a slide is expected to show.
2. *Target correlation.* With q_g the rank of c_g among the genes, from 0 to 1, ρ_g is 0 with probability
   2 · `unpredictable` · (1 - q_g); else it is drawn from a beta distribution with mean
   m_g = `least` + (`most` - `least`) q_g^`rise` and variance m_g (1 - m_g) / (`concentration` + 1): genes that vary
   together are predicted together, so gene sets come out unevenly.
3. *Noise.* e_gi = a_g √s u_i + √(1 - s) v_gi: u is shared by all genes of a slide (share s, sign a_g = ±1 by gene),
   v is the gene's own; both are standard normal.
4. *Prediction.* mean_g + SD_g · w_g · (ρ_g z_gi + √(1 - ρ_g²) e_gi + b_gf). Its width w_g = max(ρ_g, `floor`) exp(t_g)
   shrinks it towards the mean as least squares would, with an error t_g (normal, SD `width_error`) that leaves some
   genes with errors larger than the mean's; b_gf is the offset of the fold that holds the patient, with SD
   `fold_offset`. Within a fold the correlation with the measured expression is ρ_g in expectation; over all folds it
   is a little lower.
5. *Untrained.* mean_g + SD_g · `floor` · (a_g √s u_i + √(1 - s) v'_gi) with v' drawn again for every seed; related
   to the prediction by u, but not to the measured expression. Its mean is that of the gene, which spares it the large
   errors that a network without training makes; otherwise the comparison of errors would be decided from the start.

A model with more noise has all ρ_g multiplied by a factor below 1, and draws of its own in steps 3 to 5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_stats.types.predictions import Predictions

Array = NDArray[np.float64]


@dataclass(frozen=True)
class NoiseModel:
    """The numbers of the model; the docstring of this file says what each does."""

    folds: int = 5
    two_slides: float = 0.1
    components: int = 5
    unpredictable: float = 0.3
    least: float = 0.02
    most: float = 0.6
    rise: float = 3.0
    concentration: float = 15.0
    shared: float = 0.3
    floor: float = 0.1
    width_error: float = 0.4
    fold_offset: float = 0.1
    untrained: int = 3


@dataclass(frozen=True)
class Truth:
    """What all models of a cohort share: slides, folds, measured expression and target correlations."""

    measured: pd.DataFrame
    obs: pd.DataFrame
    mean: Array
    sd: Array
    share: Array
    target: Array

    def to_frame(self) -> pd.DataFrame:
        """A row per gene: the share of its variance in the components, and the target correlation."""
        return pd.DataFrame({"gene": self.measured.columns, "share": self.share, "target_r": self.target})


def make_truth(
    expression: pd.DataFrame, obs: pd.DataFrame, model: NoiseModel, rng: np.random.Generator
) -> Truth:
    """Draw folds, second slides and target correlations.

    Parameters
    ----------
    expression : DataFrame of shape (patients, genes)
        Finite, on a scale on which correlation makes sense.
    obs : DataFrame
        What is known about every patient; same index.
    model : NoiseModel
    rng : Generator

    Returns
    -------
    Truth
        A row per slide; the slides of a patient have the same measured expression and the same fold.
    """
    n = len(expression)
    fold = rng.permutation(n) % model.folds
    slides = 1 + (rng.random(n) < model.two_slides)
    rows = np.repeat(np.arange(n), slides)
    number = np.concatenate([np.arange(k) + 1 for k in slides])
    patients = expression.index.astype(str).to_numpy()[rows]
    names = pd.Index(
        [f"{patient}-slide-{k}" for patient, k in zip(patients, number, strict=True)], name="slide"
    )
    slide_obs = obs.iloc[rows].assign(patient_id=patients, fold=fold[rows]).set_axis(names, axis=0)
    mean, sd = expression.mean().to_numpy(), expression.std(ddof=0).to_numpy()
    share = shared_variance(expression.to_numpy(), model.components)
    return Truth(
        measured=expression.iloc[rows].set_axis(names, axis=0),
        obs=slide_obs,
        mean=mean,
        sd=sd,
        share=share,
        target=draw_targets(share, model, rng),
    )


def shared_variance(x: Array, components: int) -> Array:
    """Share of the variance of every column that the first principal components of the standardised table carry."""
    z = _standardised(x, x.mean(axis=0), x.std(axis=0))
    if z.shape[0] <= z.shape[1]:
        vectors = np.linalg.eigh(z @ z.T)[1][:, -components:]
        return np.square(vectors.T @ z).sum(axis=0) / len(z)
    values, vectors = np.linalg.eigh(z.T @ z)
    return np.square(vectors[:, -components:]) @ values[-components:] / len(z)


def draw_targets(share: Array, model: NoiseModel, rng: np.random.Generator) -> Array:
    """Target correlation of every gene (step 2)."""
    rank = (pd.Series(share).rank().to_numpy() - 0.5) / len(share)
    mean = model.least + (model.most - model.least) * rank**model.rise
    target = rng.beta(mean * model.concentration, (1 - mean) * model.concentration)
    return np.where(rng.random(len(share)) < 2 * model.unpredictable * (1 - rank), 0.0, target)


def predict(
    truth: Truth, factor: float, model: NoiseModel, rng: np.random.Generator, **names: Any
) -> Predictions:
    """Draw the predictions of one model (steps 3 to 5).

    Parameters
    ----------
    truth : Truth
    factor : float
        The target correlations are multiplied by it.
    model : NoiseModel
    rng : Generator
    **names
        ``name`` and ``note`` of the predictions.

    Returns
    -------
    Predictions
        float32.
    """
    n, p = truth.measured.shape
    measured = truth.measured.to_numpy()
    z = _standardised(measured, truth.mean, truth.sd)
    rho = truth.target * factor
    slide = np.sqrt(model.shared) * np.outer(rng.standard_normal(n), rng.choice([-1.0, 1.0], size=p))

    def noise() -> Array:
        return slide + np.sqrt(1 - model.shared) * rng.standard_normal((n, p))

    offset = model.fold_offset * rng.standard_normal((model.folds, p))[truth.obs["fold"].to_numpy()]
    trained = rho * z + np.sqrt(1 - rho**2) * noise() + offset
    width = np.maximum(rho, model.floor) * np.exp(model.width_error * rng.standard_normal(p))
    return Predictions(
        predicted=(truth.mean + truth.sd * width * trained).astype(np.float32),
        measured=measured.astype(np.float32),
        untrained=tuple(
            (truth.mean + truth.sd * model.floor * noise()).astype(np.float32) for _ in range(model.untrained)
        ),
        obs=truth.obs,
        genes=truth.measured.columns,
        **names,
    )


def note(sources: Sequence[str]) -> str:
    """What every caption says, given the cohorts whose expression was used."""
    *first, last = sources
    cohorts = f"{', '.join(first)} and {last}" if first else last
    return f"simulated predictions: measured expression of {cohorts} plus noise; says nothing about images"


def settings_of(settings: Mapping[str, Any]) -> NoiseModel:
    """The model of a section of config.yaml, whose other keys are left alone."""
    return NoiseModel(**{k: v for k, v in settings.items() if k in NoiseModel.__dataclass_fields__})


def _standardised(x: Array, mean: Array, sd: Array) -> Array:
    return (x - mean) / np.where(sd > 0, sd, 1.0)
