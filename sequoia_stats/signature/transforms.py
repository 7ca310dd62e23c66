"""Per-gene transforms of expression: fitted on a cohort, applied to any other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from sequoia_base.arguments import check_limits, one_of
from sequoia_stats.errors import InputError, counted, listing

TransformName = Literal["rank", "zscore", "log2", "none"]
#: Most (expression, score) pairs that a signature stores for a rank-transformed gene.
MAX_QUANTILES = 201


def rank_normal(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rank-based inverse normal scores of every column.

    Parameters
    ----------
    x : array of shape (n, p)
        Finite values.

    Returns
    -------
    array of shape (n, p)
        Φ⁻¹((r − 3/8) / (n + 1/4)), where r is the rank in the column and ties are averaged (Blom 1958). A constant
        column gives 0.
    """
    # pandas ranks like scipy's rankdata, and scipy.stats is slow to load
    ranks = pd.DataFrame(x).rank().to_numpy()
    return ndtri((ranks - 0.375) / (x.shape[0] + 0.25))


def standardise(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """(x − mean) / SD of every column, with the n − 1 standard deviation; a constant column gives 0."""
    return _apply_zscore(x, _fit_zscore(x))


@dataclass(frozen=True)
class Transform:
    """A fitted transform: its name, and the parameters of each gene that apply it to new patients.

    Parameters
    ----------
    name : {"rank", "zscore", "log2", "none"}
        Name of the transform.
    parameters : list of dict
        One per gene. rank: increasing ``values`` with their ``scores``, at most 201, linear in between and flat
        outside; zscore: ``mean`` and ``sd``; log2 and none: empty.
    """

    name: TransformName
    parameters: list[dict[str, Any]]

    def __post_init__(self) -> None:
        for position, one in enumerate(self.parameters):
            if fault := _fault(self.name, one):
                raise InputError(f"the parameters of gene {position + 1} {fault}")

    @property
    def depends_on_cohort(self) -> bool:
        """Whether the transformed value of a patient depends on the other patients of the cohort."""
        return method(self.name).fit is not None

    def apply(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Transform new patients (n × genes) with the parameters of the training cohort."""
        kind = method(self.name)
        return kind.apply(x, self.parameters)

    def select(self, positions: NDArray[np.intp] | list[int]) -> Transform:
        """The transform of some of the genes."""
        return Transform(self.name, [self.parameters[i] for i in positions])


@dataclass(frozen=True)
class _Method:
    within: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    fit: Callable[[NDArray[np.float64]], list[dict[str, Any]]] | None
    apply: Callable[[NDArray[np.float64], list[dict[str, Any]]], NDArray[np.float64]]
    keys: frozenset[str] = frozenset()


def method(name: str) -> _Method:
    """The functions of a transform; InputError for a name that does not exist."""
    check_limits({"transform": name}, {"transform": one_of(TRANSFORMS)})
    return _METHODS[name]


def within_cohort(name: str, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Transform every gene within these patients alone.

    Parameters
    ----------
    name : {"rank", "zscore", "log2", "none"}
        Name of the transform.
    x : array of shape (n, p)
        Expression, finite.

    Returns
    -------
    array of shape (n, p)
    """
    return method(name).within(x)


def fit_transform(name: str, x: NDArray[np.float64], *, exact: bool = False) -> Transform:
    """Learn the parameters of every gene (column) of a training cohort.

    Parameters
    ----------
    name : {"rank", "zscore", "log2", "none"}
        Name of the transform.
    x : array of shape (n, p)
        Expression, finite.
    exact : bool, default False
        Keep every distinct value of a rank-transformed gene rather than at most 201, so that patients of this cohort
        get exactly the scores that they have within it.
    """
    if name == "rank" and exact:
        return Transform("rank", _fit_rank(x, most=len(x)))
    fit = method(name).fit
    return Transform(name, fit(x) if fit else [{} for _ in range(x.shape[1])])  # type: ignore[arg-type]


def parameter_faults(content: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with genes and transform of a JSON file, by place, apart from what a schema tells.

    Parameters
    ----------
    content : dict
        Holds ``genes`` and ``transform``, and ``coefficients`` if the genes have them.
    """
    faults: dict[str, str] = {}
    genes, transform = content.get("genes"), content.get("transform")
    if not isinstance(genes, list):
        return faults
    wanted = {"/coefficients": (content.get("coefficients"), "coefficient")}
    name = transform.get("name") if isinstance(transform, dict) else None
    parameters = transform.get("parameters") if isinstance(transform, dict) else None
    wanted["/transform/parameters"] = (parameters, "set")
    for place, (found, noun) in wanted.items():
        if isinstance(found, list) and len(found) != len(genes):
            faults[place] = f"{counted(len(genes), 'gene')} with {counted(len(found), noun)}"
            faults[place] += " of transform parameters" if noun == "set" else ""
    if isinstance(name, str) and name in TRANSFORMS and isinstance(parameters, list):
        for i, one in enumerate(parameters):
            if isinstance(one, dict) and (fault := _fault(name, one)):
                faults[f"/transform/parameters/{i}"] = fault
    return faults


def check_units(name: str, expression: pd.DataFrame, units: pd.Series, *, frozen: bool = False) -> None:
    """Refuse the logarithm of genes that are z-scores, are logarithms already, or have negative values.

    Parameters
    ----------
    name : {"rank", "zscore", "log2", "none"}
        Name of the transform.
    expression : DataFrame of shape (patients, genes)
    units : Series
        Unit of each gene.
    frozen : bool, default False
        Whether a signature has fixed the transform, so that another is no way out.

    Raises
    ------
    InputError
        Naming the genes.
    """
    if name != "log2":
        return
    stated = units.reindex(expression.columns).astype(str).str.lower().str
    z, log = stated.contains("z-score").to_numpy(), stated.startswith("log").to_numpy()
    negative = (expression.to_numpy() < 0).any(axis=0)
    refused = expression.columns[z | log | negative]
    if len(refused):
        raise InputError(
            f"the log2 transform does not suit {len(refused)} of {counted(len(expression.columns), 'gene')}: "
            f"{int(z.sum())} z-scores, {int(log.sum())} logarithms already, "
            f"{int((negative & ~z & ~log).sum())} others with negative values",
            where=listing(refused),
            fix="give expression that is not logarithms or z-scores, as the signature was trained on"
            if frozen
            else "use the rank transform (for logarithms also none), or leave these genes out",
        )


def _fault(name: str, parameters: dict[str, Any]) -> str:
    """What is wrong with the parameters of one gene, in words; "" if nothing is."""
    keys = method(name).keys
    if set(parameters) != keys:
        needed, given = listing(sorted(keys)) or "none", listing(sorted(parameters)) or "none"
        return f"do not fit the {name} transform: it needs {needed}, but there are {given}"
    values, scores = parameters.get("values", ()), parameters.get("scores", ())
    numbers = all(isinstance(part, list) for part in (values, scores)) if "values" in keys else False
    if numbers and len(values) != len(scores):
        return f"hold {counted(len(values), 'value')} but {counted(len(scores), 'score')}"
    if (
        numbers
        and all(isinstance(value, int | float) for value in values)
        and not (np.diff(values) > 0).all()
    ):
        return "hold values that do not increase"
    return ""


def _fit_rank(x: NDArray[np.float64], most: int = MAX_QUANTILES) -> list[dict[str, Any]]:
    scores = rank_normal(x)
    return [_quantiles(x[:, j], scores[:, j], most) for j in range(x.shape[1])]


def _quantiles(values: NDArray[np.float64], scores: NDArray[np.float64], most: int) -> dict[str, Any]:
    """Distinct values with their scores; if there are too many, those nearest to evenly spaced scores."""
    distinct, first = np.unique(values, return_index=True)
    steps = scores[first]
    if distinct.size > most:
        kept = np.unique(np.searchsorted(steps, np.linspace(steps[0], steps[-1], most)))
        distinct, steps = distinct[kept], steps[kept]
    return {"values": distinct.tolist(), "scores": steps.tolist()}


def _apply_rank(x: NDArray[np.float64], parameters: list[dict[str, Any]]) -> NDArray[np.float64]:
    columns = [np.interp(x[:, j], p["values"], p["scores"]) for j, p in enumerate(parameters)]
    return np.column_stack(columns) if columns else np.empty_like(x)


def _fit_zscore(x: NDArray[np.float64]) -> list[dict[str, Any]]:
    x = np.asfortranarray(x)  # sums along memory: the same digits whatever other genes are beside
    constant = (x == x[:1]).all(axis=0)
    sd = np.where(constant, 0.0, x.std(axis=0, ddof=1) if len(x) > 1 else 0.0)
    return [{"mean": float(m), "sd": float(s)} for m, s in zip(x.mean(axis=0), sd, strict=True)]


def _apply_zscore(x: NDArray[np.float64], parameters: list[dict[str, Any]]) -> NDArray[np.float64]:
    mean = np.array([p["mean"] for p in parameters])
    sd = np.array([p["sd"] for p in parameters])
    return np.divide(x - mean, sd, out=np.zeros_like(x), where=sd > 0)


def _log2(x: NDArray[np.float64], _: Any = None) -> NDArray[np.float64]:
    return np.log2(x + 1)


def _identity(x: NDArray[np.float64], _: Any = None) -> NDArray[np.float64]:
    return x


_METHODS: dict[str, _Method] = {
    "rank": _Method(rank_normal, _fit_rank, _apply_rank, frozenset(["values", "scores"])),
    "zscore": _Method(standardise, _fit_zscore, _apply_zscore, frozenset(["mean", "sd"])),
    "log2": _Method(_log2, None, _log2),
    "none": _Method(_identity, None, _identity),
}
TRANSFORMS = get_args(TransformName)
