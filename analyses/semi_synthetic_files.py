"""The files of a semi-synthetic cohort: bags, measured expression, splits and outcomes, as the commands read them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from her2st import UNITS
from semi_synthetic import Patients, Tissue

from sequoia_base.atomic import new_file
from sequoia_model import FeatureBag, Splits, write_features

NOTE = (
    "no clusters: 100 tiles that were drawn from a section, those of the largest morphological cluster first"
)


def save_bags(tissue: Tissue, patients: Patients, folder: Path) -> None:
    """Write a feature file for each patient, in which tiles take the place of cluster means."""
    folder.mkdir(parents=True, exist_ok=True)
    for patient, section, tiles in zip(patients.ids, patients.sections, patients.tiles, strict=True):
        source = tissue.sections[section]
        bag = FeatureBag(patient, cluster_features=source.features[tiles], encoder=source.encoder)
        write_features(bag, folder / f"{patient}.h5", force=True, more={"cluster_note": NOTE})


def save_measured(patients: Patients, path: Path) -> None:
    """Write the measured expression; every patient has one slide of the same name."""
    import anndata

    values = patients.expression
    obs = pd.DataFrame({"patient_id": values.index}, index=pd.Index(values.index, name="slide"))
    adata = anndata.AnnData(values.to_numpy(), obs, pd.DataFrame(index=pd.Index(values.columns, name="gene")))
    adata.uns["units"] = UNITS
    with new_file(path) as temporary:
        adata.write_h5ad(temporary)


def splits_of(patients: Patients, val: float, rng: np.random.Generator) -> Splits:
    """A fold for each section, whose patients are tested; a share of the other patients validates, from every section
    as many."""
    roles = pd.DataFrame(index=patients.ids)
    for fold in np.unique(patients.sections):
        role = np.full(len(patients.ids), "train", dtype=object)
        for section in np.unique(patients.sections):
            rows = np.flatnonzero(patients.sections == section)
            role[rng.permutation(rows)[: round(val * len(rows))]] = "val"
        role[patients.sections == fold] = "test"
        roles[f"fold_{fold}"] = role
    return Splits(roles, name="sections")
