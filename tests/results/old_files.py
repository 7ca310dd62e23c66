"""Files that version 0.1 wrote (``tests/data/results/old_files``), read by today's functions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.results.inputs import DATA
from tests.results.reading import Values

FOLDER = DATA / "results" / "old_files"


def features() -> Values:
    """The bag of a slide."""
    from sequoia_model import read_features

    bag = read_features(FOLDER / "features.h5")
    return {
        "features": np.asarray(bag.features),
        "coords": np.asarray(bag.coords),
        "cluster features": np.asarray(bag.cluster_features),
        "about": np.array([bag.slide, bag.encoder.name, bag.rule, bag.cohort]),
        "numbers": np.array([bag.mpp, bag.tile_size, bag.seed], dtype=float),
    }


def predictions() -> Values:
    """Predicted beside measured genes."""
    from sequoia_stats import read_predictions

    read = read_predictions(FOLDER / "predictions.h5ad")
    return {
        "predicted": np.asarray(read.predicted),
        "measured": np.asarray(read.measured),
        "untrained": np.asarray(read.untrained),
        "genes": np.array(list(read.genes)),
        "slides": np.array(list(read.obs.index)),
        "patients": np.array(list(read.patients)),
    }


def signature() -> Values:
    """A fitted signature, and the score of a patient."""
    from sequoia_stats import Signature

    read = Signature.load(FOLDER / "signature.json")
    return {
        "genes": np.array(read.genes),
        "coefficients": np.array(read.coefficients),
        "cutoff": np.array(read.cutoff),
        "endpoint": np.array(read.endpoint),
        "parameters": np.array([value for gene in read.transform.parameters for value in gene["values"]]),
        "scores": np.array([value for gene in read.transform.parameters for value in gene["scores"]]),
    }


OLD_FILES: dict[str, Callable[[], Values]] = {
    "old-features": features,
    "old-predictions": predictions,
    "old-signature": signature,
}
