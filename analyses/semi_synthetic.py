"""Patients whose truth is known: real tiles and spots of the HER2ST sections, mixed at random, and a planted risk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from her2st import Section
from numpy.typing import NDArray
from scipy.optimize import brentq

from sequoia_model import cluster_means
from sequoia_model.clusters import N_CLUSTERS as TILES
from sequoia_model.types.bag import EncoderId

#: What the risk of a patient is planted in. Without an effect, the hazard ratio of the expression score is 1.
TRUTHS = ("expression", "morphology", "none")
#: Length of a tile's features.
DIMENSIONS = 128


@dataclass(frozen=True, eq=False)
class Tissue:
    """The sections that patients are made of.

    Parameters
    ----------
    sections : sequence of Section
        Tiles and spots; all sections have the same genes. The features are those of `tissue_of`.
    clusters : sequence of array of shape (tiles,), int64
        The morphological cluster of each tile. Clusters are those of the tiles of all sections, so that a cluster is
        the same tissue in each; 0 is the largest.
    nearest : sequence of array of shape (tiles,), int64
        The spot nearest to the centre of each tile.
    genes : array of shape (genes,), int64
        Positions of the genes that are kept: those with most counts.
    n_clusters : int
        Number of clusters.
    """

    sections: Sequence[Section]
    clusters: Sequence[NDArray[np.int64]]
    nearest: Sequence[NDArray[np.int64]]
    genes: NDArray[np.int64]
    n_clusters: int

    @property
    def gene_names(self) -> list[str]:
        """Symbols of the kept genes."""
        return [self.sections[0].genes[gene] for gene in self.genes]


@dataclass(frozen=True, eq=False)
class Patients:
    """Simulated patients, those of the first section first.

    Parameters
    ----------
    sections : array of shape (patients,), int64
        The section that each is made of.
    tiles : array of shape (patients, 100), int64
        Tiles of the section, repeated where one was drawn more than once; in the order of the tokens of a bag.
    shares : array of shape (patients, clusters), float64
        Share of the tiles that are in each morphological cluster.
    expression : DataFrame of shape (patients, genes), float32
        log2(CPM + 1) of the sum of the spots nearest to the tiles, less how far the mean of the section is from that
        of all: sections differ in the levels of genes for technical reasons. Index = patient id.
    """

    sections: NDArray[np.int64]
    tiles: NDArray[np.int64]
    shares: NDArray[np.float64]
    expression: pd.DataFrame

    @property
    def ids(self) -> pd.Index:
        """Patient ids, such as "C3-017"."""
        return self.expression.index


def generators(seed: int, draw: int) -> dict[str, np.random.Generator]:
    """Sources of randomness of a draw, independent of each other: of its "patients", and of each truth.

    They are spawned: numpy takes the seeds [7, 3] and [7, 3, 0] for the same.
    """
    names = ("patients", *TRUTHS)
    seeds = np.random.SeedSequence([seed, draw]).spawn(len(names))
    return {name: np.random.default_rng(one) for name, one in zip(names, seeds, strict=True)}


def tissue_of(sections: Sequence[Section], settings: Mapping[str, Any]) -> Tissue:
    """Cluster the tiles of all sections, find their spots, and choose the genes with most counts.

    The features become `DIMENSIONS` principal components of the tiles of all sections, rotated at random: otherwise
    methods that scale every feature would weigh the last component as the first. Without outcomes and expression,
    nothing is learnt from patients that are tested. A tenth of the numbers makes networks of the size `small` fit in
    seconds.
    """
    features = np.concatenate([section.features for section in sections])
    means = cluster_means(features, n_clusters=settings["clusters"], seed=settings["seed"]).means
    counts = np.sum([section.counts.sum(axis=0) for section in sections], axis=0)
    mean, axes = features.mean(axis=0), _axes(features, np.random.default_rng(settings["seed"]))
    encoder = EncoderId(f"{sections[0].encoder.name}-{DIMENSIONS}")
    return Tissue(
        [replace(one, features=(one.features - mean) @ axes, encoder=encoder) for one in sections],
        [_nearest(section.features, means) for section in sections],
        [_nearest(section.places + 0.5, section.spots) for section in sections],
        np.sort(np.argsort(-counts, kind="stable")[: settings["genes"]]),
        settings["clusters"],
    )


def draw_patients(tissue: Tissue, settings: Mapping[str, Any], rng: np.random.Generator) -> Patients:
    """Draw the tiles of every patient: how much of each cluster is Dirichlet, and a tile of a cluster is as likely as
    another; tiles are drawn with replacement.

    Parameters
    ----------
    tissue : Tissue
        What the tiles are drawn from.
    settings : mapping
        ``patients`` of each section, and the ``concentration`` of the Dirichlet distribution.
    rng : Generator
        Source of randomness.

    Returns
    -------
    Patients
        Clusters that a patient has most tiles of come first, as the largest clusters of a slide do; equal ones, and
        the tiles of a cluster, are in the order of their numbers.
    """
    tables, all_tiles, all_shares = [], [], []
    for section, clusters, nearest in zip(tissue.sections, tissue.clusters, tissue.nearest, strict=True):
        in_cluster = np.bincount(clusters, minlength=tissue.n_clusters)
        mixtures = rng.dirichlet(np.full(tissue.n_clusters, settings["concentration"]), settings["patients"])
        chances = mixtures[:, clusters] / in_cluster[clusters]
        chances /= chances.sum(axis=1, keepdims=True)  # not all clusters are in every section
        tiles = np.stack([np.sort(rng.choice(len(clusters), TILES, p=chance)) for chance in chances])
        of_cluster = np.stack([np.bincount(row, minlength=tissue.n_clusters) for row in clusters[tiles]])
        sizes = np.take_along_axis(of_cluster, clusters[tiles], axis=1)
        order = np.lexsort((clusters[tiles], -sizes), axis=1)
        ids = [f"{section.name}-{i:03d}" for i in range(len(tiles))]
        values = _bulk(section, nearest[tiles], tissue.genes)
        tables.append(pd.DataFrame(values, pd.Index(ids, name="patient_id"), tissue.gene_names))
        all_tiles.append(np.take_along_axis(tiles, order, axis=1))
        all_shares.append(of_cluster / TILES)
    expression = pd.concat(tables)
    of_sections = np.concatenate([np.tile(table.mean(), (len(table), 1)) for table in tables])
    return Patients(
        np.repeat(np.arange(len(tissue.sections)), settings["patients"]),
        np.concatenate(all_tiles),
        np.concatenate(all_shares),
        (expression - of_sections + expression.mean()).astype(np.float32),
    )


def planted_risk(
    truth: str, patients: Patients, settings: Mapping[str, Any], rng: np.random.Generator
) -> pd.Series:
    """The risk that decides the outcome, with mean 0 and SD 1 in every section, so that sections carry none of it.

    An expression score is the sum of ``score_genes`` measured genes, drawn at random, each in SD of its section and
    with a weight from a standard normal distribution. Morphology is the share of a cluster, drawn at random.
    """
    sections = patients.sections
    if truth == "morphology":
        risk = patients.shares[:, rng.integers(patients.shares.shape[1])]
    else:
        values = standardised(patients.expression.to_numpy(np.float64), sections)
        genes = rng.choice(values.shape[1], settings["score_genes"], replace=False)
        risk = values[:, genes] @ rng.standard_normal(settings["score_genes"])
    return pd.Series(standardised(risk, sections), patients.ids, name=truth)


def standardised(values: NDArray[np.float64], sections: NDArray[np.int64]) -> NDArray[np.float64]:
    """Values, of patients in rows, with mean 0 and SD 1 in each section; 0 where they are constant."""
    result = np.zeros_like(values)
    for section in np.unique(sections):
        part = values[sections == section]
        away, spread = part - part.mean(axis=0), part.std(axis=0)
        result[sections == section] = np.divide(away, spread, out=np.zeros_like(part), where=spread > 0)
    return result


def draw_outcome(
    risk: pd.Series, log_hazard_ratio: float, settings: Mapping[str, Any], rng: np.random.Generator
) -> pd.DataFrame:
    """Exponential times to the event and to censoring; the rate of censoring gives the share of events on average.

    Parameters
    ----------
    risk : Series
        Planted risk of each patient.
    log_hazard_ratio : float
        Effect of one unit of it.
    settings : mapping
        ``months``, the mean time to the event at risk 0, and ``events``, the expected share of events.
    rng : Generator
        Source of randomness.

    Returns
    -------
    DataFrame
        Columns ``time`` (months) and ``event``; index = patient id.
    """
    hazard = np.exp(log_hazard_ratio * risk.to_numpy()) / settings["months"]

    def excess(log_rate: float) -> float:
        return float(np.mean(hazard / (hazard + np.exp(log_rate)))) - settings["events"]

    rate = np.exp(brentq(excess, np.log(hazard.min()) - 20, np.log(hazard.max()) + 20))
    to_event, to_censoring = rng.exponential(1 / hazard), rng.exponential(1 / rate, len(hazard))
    time, event = np.minimum(to_event, to_censoring), to_event <= to_censoring
    return pd.DataFrame({"time": time, "event": event}, risk.index)


def _nearest(points: NDArray[Any], centres: NDArray[Any]) -> NDArray[np.int64]:
    """The centre nearest to each point."""
    from scipy.spatial.distance import cdist

    return cdist(points, centres).argmin(axis=1)


def _axes(features: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Orthonormal axes of the space of the main principal components, in random directions."""
    _, _, components = np.linalg.svd(features - features.mean(axis=0), full_matrices=False)
    rotation, _ = np.linalg.qr(rng.standard_normal((DIMENSIONS, DIMENSIONS)))
    return (components[:DIMENSIONS].T @ rotation).astype(np.float32)


def _bulk(section: Section, spots: NDArray[np.int64], genes: NDArray[np.int64]) -> NDArray[np.float32]:
    """log2(CPM + 1) of sums of spots, a row per patient; a spot counts once for each of the tiles nearest to it."""
    times = np.stack([np.bincount(row, minlength=len(section.spots)) for row in spots])
    counts, totals = times @ section.counts[:, genes], times @ section.totals
    return np.log2(1e6 * counts / totals[:, None] + 1).astype(np.float32)
