"""Whether two files hold the same patients, and paired tests of their genes if they do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd

from sequoia_stats.association import (
    MethodName,
    benjamini_hochberg,
    dependent_correlation_test,
    moments,
    pearson,
)
from sequoia_stats.compare.distributions import ALL
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.io._barcodes import read_barcode
from sequoia_stats.selection._cluster_bootstrap import weighted_correlations
from sequoia_stats.types._matrices import group_means
from sequoia_stats.types.arrays import AnyFloats, Floats
from sequoia_stats.types.predictions import FEWEST_SAMPLES, Predictions

#: What two files may be of: models of the same patients, or cohorts of different patients.
SAME, DIFFERENT = "same", "different"
#: Found out from the files.
AUTO = "auto"
_BLOCK = 1024  # genes at a time
_REPLICATES = 200  # of the patients
_MOST = 2048  # genes that tell whether two measurements are of the same patients
_RELATED = 0.5  # r of two measurements of the same patients, in half of the genes


class Sharing(NamedTuple):
    """The patients that two files share.

    Parameters
    ----------
    samples : str
        `SAME` if half of the patients of the smaller file, or more, are in the other, by barcodes or with related
        measured values; `DIFFERENT` otherwise.
    n_shared : int
        Number of patients in both; 0 if they only have the same names.
    notes : tuple of str
        What a reader of the comparison must know.
    measured_alike : bool
        Whether units that both have (slides, or patients) have the same measured values; False if there are none.
    """

    samples: str
    n_shared: int
    notes: tuple[str, ...]
    measured_alike: bool


class Paired(NamedTuple):
    """Two models of the same samples.

    Parameters
    ----------
    genes : DataFrame
        ``gene, level, z, p_bh``: z is above 0 if the first is better, p is adjusted over the genes of a level.
    intervals : dict of str to tuple of float
        By level: 95% interval of median r of the first less that of the second, by drawing patients with replacement.
        Genes are correlated, so a test that counts them as independent is too sure; patients are independent.
    """

    genes: pd.DataFrame
    intervals: dict[str, tuple[float, float]]


def sharing(
    models: Mapping[str, Predictions], *, samples: str = AUTO, per_patient: bool = False
) -> dict[tuple[str, str], Sharing]:
    """The patients that each pair of files shares.

    Parameters
    ----------
    models : dict of str to Predictions
        Files by name.
    samples : {"auto", "same", "different"}
        How all pairs are taken; "auto" finds it out from the names of patients and from what was measured.
    per_patient : bool
        Whether slides of a patient are averaged before models are tested against each other.

    Raises
    ------
    InputError
        If files are taken as the same that have fewer than `FEWEST_SAMPLES` patients in common.
    """
    return {
        (a, b): _sharing(a, b, models[a], models[b], samples, per_patient) for a, b in combinations(models, 2)
    }


def refuse_one_table(models: Mapping[str, Predictions], table: object) -> None:
    """Refuse one table of patients for files in which the same names stand for different patients.

    Parameters
    ----------
    models : dict of str to Predictions
        Files by name.
    table : object
        The table, for the error.

    Raises
    ------
    InputError
        If patients of two files have the same names, which are no barcodes, but unrelated measured values.
    """
    for (a, x), (b, y) in combinations(models.items(), 2):
        common = x.patients.unique().intersection(y.patients.unique(), sort=False)
        names = common[[not _is_barcode(patient) for patient in common]]
        if len(names) >= FEWEST_SAMPLES and _unrelated(
            x, y, names, x.genes.intersection(y.genes, sort=False)
        ):
            raise InputError(
                f"{counted(len(names), 'patient')} of {a} and {b} have the same names, but unrelated measured values: "
                "one table of patients cannot be of both",
                where=f"{table}: {listing(names, 3)}",
                fix="name the patients of the files, and of the table, so that they differ; or compare without "
                "--patients; or --samples same, if they are the same patients",
            )


def _is_barcode(patient: object) -> bool:
    """A barcode names one patient in the world, "P1" many."""
    return read_barcode(str(patient)) is not None


def _sharing(a: str, b: str, x: Predictions, y: Predictions, samples: str, per_patient: bool) -> Sharing:
    sizes = x.patients.nunique(), y.patients.nunique()
    common = x.patients.unique().intersection(y.patients.unique(), sort=False)
    genes = x.genes.intersection(y.genes, sort=False)
    codes = common[[_is_barcode(patient) for patient in common]]
    others = common.difference(codes, sort=False)
    unlike = len(others) >= FEWEST_SAMPLES and _unrelated(x, y, others, genes)
    if unlike and samples != SAME:
        common = codes
    names = f"{a} ({sizes[0]:,}) and {b} ({sizes[1]:,})"
    if samples == SAME and len(common) < FEWEST_SAMPLES:
        raise InputError(
            f"{counted(len(common), 'patient')} in both, but models of the same patients need {FEWEST_SAMPLES}",
            where=names,
            fix="leave --samples out, or name patients in the same way in all files",
        )
    if samples == DIFFERENT:
        return Sharing(DIFFERENT, 0, (f"{names} are compared as cohorts, as was asked",), False)
    notes = []
    if unlike and samples == AUTO:
        notes.append(
            f"{counted(len(others), 'patient')} of {a} and {b} have the same names, but unrelated measured "
            "values: taken as different patients (--samples same, if they are the same)"
        )
    if samples == AUTO and (not len(common) or 2 * len(common) < min(sizes)):
        notes.insert(0, f"{names} have different patients, and are compared as cohorts")
        if len(common):
            notes.append(
                f"{counted(len(common), 'patient is', 'patients are')} in both {a} and {b}: these do not test each "
                "other independently, and count as one cohort (--samples different, to count them as two)"
            )
        return Sharing(DIFFERENT, len(common), tuple(notes), False)
    if unlike and samples == SAME:
        notes.append(
            f"{a} and {b} have unrelated measured values, but are compared as the same patients, as was asked"
        )
    if samples == AUTO and len(codes) >= FEWEST_SAMPLES and _unrelated(x, y, codes, genes):
        notes.append(
            f"{a} and {b} are of the same patients by their barcodes, but measured values are unrelated, as of other "
            "samples or platforms"
        )
    slides = x.obs.index.intersection(y.obs.index, sort=False)
    if len(slides) < max(x.n, y.n):
        notes.append(
            f"{a} and {b} were judged on different slides ({x.n} and {y.n}, with {len(slides)} in common), "
            "which may explain differences"
        )
    units = common if per_patient else slides
    alike = bool(len(units)) and _same_measured(x, y, units, genes, per_patient)
    if len(units) and not alike:
        what = "patients" if per_patient else "slides"
        notes.append(f"{a} and {b} were judged against different measured values for the same {what}")
    return Sharing(SAME, len(common), tuple(notes), alike)


def paired_tests(
    x: Predictions, y: Predictions, *, by: str | None, per_patient: bool, method: MethodName
) -> Paired:
    """Test whether two models of the same samples are equally correlated with measured values: each gene, and medians.

    Parameters
    ----------
    x, y : Predictions
        Two models; the samples and genes that both have are used.
    by : str or None
        A column of slides, whose levels are tested separately.
    per_patient : bool
        Whether slides of a patient are averaged first.
    method : str
        The two-sided test, as in `association.dependent_correlation_test`.

    Returns
    -------
    Paired
        Levels with fewer than 4 samples in common are left out.
    """
    sides = [dict(_levels(replace(data, untrained=()), by)) for data in (x, y)]
    tables, intervals = [pd.DataFrame(columns=["gene", "level", "z", "p_bh"])], {}
    for level in (level for level in sides[0] if level in sides[1]):
        u, v = (_units(side[level], per_patient) for side in sides)
        samples = u.obs.index.intersection(v.obs.index, sort=False)
        genes = u.genes.intersection(v.genes, sort=False)
        if len(samples) < FEWEST_SAMPLES or not len(genes):
            continue
        z, p, intervals[level] = _tested(u, v, samples, genes, method)
        tables.append(pd.DataFrame({"gene": genes, "level": level, "z": z, "p_bh": benjamini_hochberg(p)}))
    return Paired(pd.concat(tables[1:], ignore_index=True) if tables[1:] else tables[0], intervals)


def _levels(data: Predictions, by: str | None) -> Iterator[tuple[str, Predictions]]:
    yield from [(ALL, data)] if by is None else data.groups(by)


def _units(data: Predictions, per_patient: bool) -> Predictions:
    return data.per_patient() if per_patient else data


def _tested(
    x: Predictions, y: Predictions, samples: pd.Index, genes: pd.Index, method: MethodName
) -> tuple[Floats, Floats, tuple[float, float]]:
    """Z and p of every gene, and the interval of the difference of medians."""
    rows = [data.obs.index.get_indexer(samples) for data in (x, y)]
    codes, patients = pd.factorize(x.patients[rows[0]])
    n = len(patients)
    drawn = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), _REPLICATES)
    weights = drawn[:, codes].astype(np.float64)
    z, p = np.empty((2, len(genes)))
    r = np.empty((2, _REPLICATES, len(genes)), np.float32)
    for start in range(0, len(genes), _BLOCK):
        cut = slice(start, start + _BLOCK)
        at, also = (
            np.ix_(row, data.genes.get_indexer(genes[cut])) for row, data in zip(rows, (x, y), strict=True)
        )
        measured, a, b = x.measured[at], x.predicted[at], y.predicted[also]
        found = moments(measured, a, b)
        test = dependent_correlation_test(found.r12, found.r13, found.r23, found.n, method=method)
        z[cut], p[cut] = test.statistic, test.p
        truth, *others = (np.asarray(matrix, np.float64) for matrix in (measured, a, b))
        r[:, :, cut] = np.nan_to_num(weighted_correlations(weights, truth, others))  # constant: r is 0
    medians = np.median(r, axis=2)
    low, high = np.quantile(medians[0] - medians[1], [0.025, 0.975])
    return z, p, (float(low), float(high))


def _unrelated(x: Predictions, y: Predictions, patients: pd.Index, genes: pd.Index) -> bool:
    """Whether measured values under the same names cannot be of the same patients."""
    some = genes[
        :: max(1, -(-len(genes) // _MOST))
    ]  # all over the file, which may begin with genes that are off
    p, q = (_measured(data, patients, some, per_patient=True) for data in (x, y))
    if not p.size:
        return False
    r = pearson(p, q).r
    return bool((r != 0).any() and np.median(r[r != 0]) < _RELATED)


def _same_measured(
    x: Predictions, y: Predictions, units: pd.Index, genes: pd.Index, per_patient: bool
) -> bool:
    for start in range(0, len(genes), _BLOCK):
        block = genes[start : start + _BLOCK]
        p, q = (_measured(data, units, block, per_patient=per_patient) for data in (x, y))
        if not np.allclose(p, q, rtol=1e-5, atol=1e-6, equal_nan=True):
            return False
    return True


def _measured(data: Predictions, units: pd.Index, genes: pd.Index, *, per_patient: bool) -> AnyFloats:
    """Measured values of slides, or of patients: means over their slides."""
    columns = data.genes.get_indexer(genes)
    if not per_patient:
        return data.measured[np.ix_(data.obs.index.get_indexer(units), columns)]
    codes = units.get_indexer(data.patients)
    rows = np.flatnonzero(codes >= 0)
    return group_means(data.measured[np.ix_(rows, columns)], codes[rows])
