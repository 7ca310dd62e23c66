"""Risk scores: the genes of a signature are found in the patients, transformed, weighted and summed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_float_dtype

from sequoia_base.arguments import check_limits, one_of
from sequoia_base.results import Result
from sequoia_stats.errors import InputError, counted, listing, part
from sequoia_stats.io import canonical_names
from sequoia_stats.signature._range import MIN_PATIENTS, Range, measure, one_sided
from sequoia_stats.signature.overlap import check_overlap
from sequoia_stats.signature.reference import ScaleReference, open_reference
from sequoia_stats.signature.transforms import check_units, within_cohort
from sequoia_stats.types.arrays import as_series
from sequoia_stats.types.expression import Expression
from sequoia_stats.types.genes import match, other_identifiers

if TYPE_CHECKING:
    from sequoia_stats.signature.signature import Signature

Scale = Literal["cohort", "training"]
_REFERENCE_FIX = "score against a frozen reference of the same platform (--reference COHORT)"
_OTHER_REFERENCE_FIX = (
    "score against another reference, of the platform of these patients (--reference COHORT)"
)


@dataclass(frozen=True, eq=False)
class RiskScore(Result):
    """Risk scores of a cohort, and the genes that the cohort lacks.

    Parameters
    ----------
    scores : Series
        Σ coefficient × transformed expression, by patient id; higher is worse.
    scale : {"cohort", "training", "reference"}
        Where the transform was computed: within this cohort (or each group of it), with the parameters of the training
        cohort, or with those of a frozen reference.
    n_genes : int
        Number of genes of the signature.
    genes_missing : tuple of str
        Genes that the cohort or the reference lacks, or that have missing values; on the cohort's scale, also genes
        with a single value, in the cohort or in one of its groups.
    weight_lost : float
        Their share of Σ|coefficient|, 0 to 1.
    scale_within : dict of str to int
        Number of patients of each group within which the transform was computed; empty without groups.
    reference : ScaleReference or None
        The frozen reference.
    n_overlap : int or None
        Number of patients that the signature was trained on; None if it does not say whom.
    notes : tuple of str
        What to know before reading the scores.
    groups : Series or None
        The group of each patient, within which the transform was computed; None without groups.
    """

    scores: pd.Series = field(metadata={"show": False})
    scale: str
    n_genes: int
    genes_missing: tuple[str, ...]
    weight_lost: float
    scale_within: dict[str, int] = field(default_factory=dict, metadata={"show": False})
    reference: ScaleReference | None = field(default=None, metadata={"show": False})
    n_overlap: int | None = None
    notes: tuple[str, ...] = field(default=(), metadata={"show": False})
    groups: pd.Series | None = field(default=None, metadata={"show": False})

    def scale_details(self) -> dict[str, Any]:
        """What else to say about the scale, as plain values: groups, reference and notes; only what there is."""
        details: dict[str, Any] = {}
        if self.scale_within:
            details["scale_within"] = dict(self.scale_within)
        if self.reference is not None:
            details["reference"] = {name: getattr(self.reference, name) for name in ("cohort", "n", "sha256")}
        return details | ({"notes": list(self.notes)} if self.notes else {})

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with groups, reference and notes if there are any."""
        return super().to_dict() | self.scale_details()


def compute_scores(
    signature: Signature,
    expression: Expression,
    *,
    scale: Scale = "cohort",
    reference: Any = None,
    scale_within: Any = None,
    max_weight_lost: float = 0.5,
    allow_overlap: bool = False,
) -> RiskScore:
    """Score patients; `Signature.risk_score` documents the arguments."""
    check_limits({"scale": scale}, {"scale": one_of(get_args(Scale))})
    refuse_combinations(scale, reference, scale_within)
    values, depends = expression.values, signature.transform.depends_on_cohort and not signature.is_null
    if len(values) == 0:
        raise InputError("there are no patients to score", where=expression.name)
    columns = _columns(signature, expression)
    n_overlap, overlap = check_overlap(signature, values.index, expression.name, allowed=allow_overlap)
    groups = _groups(expression, scale_within)
    fitted, in_reference, frozen = signature.transform, np.ones(len(columns), dtype=bool), None
    if depends and reference is not None:
        frozen = open_reference(reference, signature.genes, fitted.name)
        in_reference, fitted = frozen.of_genes(signature.genes, fitted.name)
    positions = np.cumsum(in_reference) - 1  # of a gene of the signature in the fitted transform
    by_cohort = depends and scale == "cohort" and frozen is None
    if by_cohort:
        _refuse_small(signature, expression, columns, groups)
    usable = _usable(values, columns, columns >= 0, groups if by_cohort else None)
    found = usable[in_reference[usable]]
    lacking = {expression.name: np.setdiff1d(np.arange(len(columns)), usable)}
    if frozen:
        lacking[f"the reference {frozen.cohort}"] = np.flatnonzero(~in_reference)
    missing, lost = _loss(signature, found, lacking, max_weight_lost)
    chosen = values.iloc[:, columns[found]]
    check_units(fitted.name, chosen, expression.units, frozen=True)
    x = chosen.to_numpy(np.float64)
    notes = [overlap] if overlap else []
    if by_cohort:
        z = np.empty_like(x)
        for code in np.unique(groups.cat.codes):
            rows = (groups.cat.codes == code).to_numpy()
            z[rows] = within_cohort(fitted.name, x[rows])
    else:
        fitted = fitted.select(positions[found])
        z = fitted.apply(x)
        if depends:
            whose = (
                f"the reference {frozen.cohort}"
                if frozen
                else f"the training cohort {signature.training['cohort']}"
            )
            notes += _range_notes(measure(x, z, fitted), expression.name, whose, trained=frozen is None)
    if not depends and not signature.is_null and (reference is not None or scale_within is not None):
        option = "reference" if reference is not None else "groups"
        notes.append(
            f"the {fitted.name} transform does not depend on a cohort, so the {option} had no effect"
        )
    scores = weighted_sum(z, np.array(signature.coefficients)[found])
    if not signature.is_null and (said := one_sided(scores, signature.cutoff)):
        notes.append(said)
    return RiskScore(
        scores=pd.Series(scores, values.index, name="risk_score"),
        scale="reference" if frozen else scale,
        n_genes=len(signature.genes),
        genes_missing=missing,
        weight_lost=lost,
        scale_within={}
        if scale_within is None
        else {str(k): int(v) for k, v in groups.value_counts(sort=False).items()},
        reference=frozen,
        n_overlap=n_overlap,
        notes=tuple(notes),
        groups=None if scale_within is None else groups,
    )


def weighted_sum(z: NDArray[np.float64], coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
    """Σ coefficient × value of every patient, added gene by gene so that no BLAS changes a digit; shape (n,)."""
    total = np.zeros(len(z))
    for j, coefficient in enumerate(coefficients):
        total += coefficient * z[:, j]
    return total


def risk_groups(score: NDArray[np.float64], threshold: float | NDArray[np.float64]) -> NDArray[np.str_]:
    """Group of each patient: "high" above the threshold, "low" at or below it."""
    return np.where(score > threshold, "high", "low")


def refuse_combinations(scale: str, reference: Any, scale_within: Any) -> None:
    """Refuse two scales at once."""
    given = [
        name
        for name, there in (
            ("--scale training", scale == "training"),
            ("--reference", reference is not None),
            ("--scale-within", scale_within is not None),
        )
        if there
    ]
    if len(given) > 1:
        raise InputError(
            f"{' and '.join(given)} cannot be combined", fix="use one of them: each is a scale of its own"
        )


def _columns(signature: Signature, expression: Expression) -> NDArray[np.intp]:
    """Column of each gene, -1 where absent; refuses patients without any of them."""
    values, name, genes = expression.values, expression.name, signature.genes
    columns = match(genes, values.columns)
    if signature.is_null or (columns >= 0).any():
        return columns
    what = f"{name} has none of the {counted(len(genes), 'gene')} of the signature"
    if (match(genes, values.index.drop_duplicates()) >= 0).any():
        raise InputError(
            f"{what} in its columns, but some in its rows",
            where=listing(genes),
            fix="give patients × genes: --genes-in rows for a table, frame.T in Python",
        )
    if kinds := other_identifiers(table=values.columns, signature=genes):
        fix = "name the genes by symbols on both sides, or fit and score on one platform with the same names"
        raise InputError(f"{what}: {kinds}", where=listing(genes), fix=fix)
    raise InputError(
        what,
        where=f"{listing(genes)}; the table: {listing(values.columns, 3)}",
        fix="check that genes are in columns (or use --genes-in rows) and named by HGNC symbols",
    )


def _groups(expression: Expression, scale_within: Any) -> pd.Series:
    """The group of each patient, as a category; a single one without `scale_within`."""
    patients = expression.values.index
    if scale_within is None:
        return pd.Series(0, patients).astype("category")
    if isinstance(scale_within, str):
        groups, what = _column(expression, scale_within), f"column {scale_within!r}"
    else:
        groups, what = as_series(scale_within, "groups"), "scale_within"
        if isinstance(scale_within, pd.Series) and groups.index.is_unique:
            groups = groups.set_axis(groups.index.astype(str)).reindex(patients)
        elif len(groups) != len(patients):
            raise InputError(
                f"{counted(len(groups), 'group is', 'groups are')} given for {counted(len(patients), 'patient')}",
                fix="give one for each patient, or a Series by patient id",
            )
        groups = groups.set_axis(patients)
    absent = groups.index[groups.isna()]
    if len(absent):
        raise InputError(
            f"{part(len(absent), len(patients), 'patient', 'have')} no group",
            where=f"{expression.name}, {what}: {listing(absent)}",
            fix="give every patient a group, or leave these patients out",
        )
    if is_float_dtype(groups.dtype):  # codes of a column that once had missing values
        groups = groups.map(lambda number: np.format_float_positional(number, trim="-"))
    return groups.astype(str).astype("category")


def _column(expression: Expression, name: str) -> pd.Series:
    known = expression.covariates.columns
    found = name if name in known else canonical_names([name]).get(name, name)
    if found not in known:
        raise InputError(
            f"{expression.name} has no column {name!r} beside the expression",
            where=f"its columns: {listing(known, 30) or 'none'}",
            fix="give a cohort (cohort convert) with this covariate, or an .h5ad with it in obs",
        )
    return expression.covariates[found]


def _refuse_small(
    signature: Signature, expression: Expression, columns: NDArray[np.intp], groups: pd.Series
) -> None:
    """Refuse patients, or groups of them, that are too few to be transformed among themselves."""
    sizes, name = groups.value_counts(sort=False), signature.transform.name
    small = sizes[sizes < MIN_PATIENTS]
    if small.empty:
        return
    if len(sizes) > 1:
        raise InputError(
            f"{part(len(small), len(sizes), 'group', 'have')} fewer than {MIN_PATIENTS} patients, but the {name} "
            f"transform is computed within each: {listing(f'{group} ({n})' for group, n in small.items())}",
            where=expression.name,
            fix=f"leave these patients out, join groups in the column, or {_REFERENCE_FIX}",
        )
    n = len(expression.values)
    training = signature.training["cohort"]
    known = _usable(expression.values, columns, columns >= 0, None)
    x = expression.values.iloc[:, columns[known]].to_numpy(np.float64)
    fitted = signature.transform.select(known)
    fix = _REFERENCE_FIX
    if known.size:
        where = measure(x, fitted.apply(x), fitted)
        if not where.is_left:
            fix += f"; or --scale training, but only if they were measured and processed as {training} was"
        else:
            fix += f"; --scale training cannot help, since they lie outside the range of {training}"
    raise InputError(
        f"the {name} transform, computed within {expression.name}, needs at least {MIN_PATIENTS} patients, but there "
        f"{'is' if n == 1 else 'are'} {n}",
        fix=fix,
    )


def _usable(
    values: pd.DataFrame, columns: NDArray[np.intp], known: NDArray[np.bool_], groups: pd.Series | None
) -> NDArray[np.intp]:
    """Positions in the signature of the genes that can be scored.

    Genes with missing values cannot; nor can genes with a single value in the cohort, or in one of its groups, if the
    transform is computed there, since they score 0 for every patient.
    """
    found = np.flatnonzero(known)
    x = values.iloc[:, columns[found]].to_numpy(np.float64)
    usable = ~np.isnan(x).any(axis=0)
    if groups is not None:
        codes = groups.cat.codes.to_numpy()
        for code in np.unique(codes):
            rows = x[codes == code]
            usable &= (rows != rows[:1]).any(axis=0)
    return found[usable]


def _loss(
    signature: Signature,
    found: NDArray[np.intp],
    lacking: Mapping[str, NDArray[np.intp]],
    max_weight_lost: float,
) -> tuple[tuple[str, ...], float]:
    """The genes that are missing, and their share of the weight; refuses too large a share and names who lacks what."""
    genes = np.array(signature.genes, dtype=object)
    missing = tuple(np.delete(genes, found))
    weights = np.abs(signature.coefficients)
    lost = float(1 - weights[found].sum() / weights.sum()) if weights.any() else 0.0
    if lost > max_weight_lost or (len(genes) and not found.size):
        who = {name: genes[at] for name, at in lacking.items() if at.size}
        whole = listing(missing) if len(who) == 1 else "; ".join(f"{k}: {listing(v)}" for k, v in who.items())
        fix = "raise max_weight_lost (--max-weight-lost) to score the patients anyway"
        raise InputError(
            f"{' and '.join(who)} {'lacks' if len(who) == 1 else 'lack'} {len(missing)} of "
            f"{counted(len(genes), 'gene')}, with {lost:.0%} of the weight; at most {max_weight_lost:.0%} may be lost",
            where=whole,
            fix=fix if found.size else "give expression in which these genes have values, and more than one",
        )
    return missing, lost


def _range_notes(where: Range, name: str, whose: str, *, trained: bool) -> list[str]:
    """What to say about patients outside the range of a fitted cohort; a few of them are refused."""
    if where.is_left:
        another = _REFERENCE_FIX if trained else _OTHER_REFERENCE_FIX
        what = f"{name} lies outside the range of {whose}: {where}"
        if where.n < MIN_PATIENTS:
            who = "one patient cannot be scored" if where.n == 1 else f"{where.n} patients cannot be scored"
            raise InputError(
                f"{who} on this scale: {what}",
                where=name,
                fix=f"{another}; or score {MIN_PATIENTS} patients or more together on the scale of their own cohort"
                + (" (--scale cohort)" if trained else ", without --reference"),
            )
        return [
            f"{what}. Another platform or processing, or very different patients: do not trust these scores and "
            f"groups; use the scale of the cohort (--scale cohort), or {another}"
        ]
    if trained and where.n < MIN_PATIENTS:
        few = "one patient is" if where.n == 1 else f"{where.n} patients are"
        return [
            f"{few} too few to tell whether they were measured as {whose} was; --scale training assumes it"
        ]
    return []
