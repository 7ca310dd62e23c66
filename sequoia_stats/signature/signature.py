"""A gene-expression risk signature: frozen, stored as JSON, and applied to any cohort."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.arguments import check_limits, one_of
from sequoia_base.atomic import write_text
from sequoia_base.results import Result
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.signature.transforms import Transform, check_units, within_cohort
from sequoia_stats.types import genes as symbols
from sequoia_stats.types.expression import Expression

#: Version of the JSON that this code writes and reads.
_SCHEMA_VERSION = 1
#: Fewest patients whose own distribution can replace that of the training cohort.
MIN_PATIENTS_FOR_COHORT_SCALE = 20
Scale = Literal["cohort", "training"]


@dataclass(frozen=True, eq=False)
class RiskScore(Result):
    """Risk scores of a cohort, and the genes that the cohort lacks.

    Parameters
    ----------
    scores : Series
        Σ coefficient × transformed expression, by patient id; higher is worse.
    scale : {"cohort", "training"}
        Where the transform was computed: within this cohort, or with the parameters of the training cohort.
    n_genes : int
        Number of genes of the signature.
    genes_missing : tuple of str
        Genes that the cohort lacks, or that have missing values; on the cohort's scale, also genes with a single value.
    weight_lost : float
        Their share of Σ|coefficient|, 0 to 1.
    """

    scores: pd.Series = field(metadata={"show": False})
    scale: str
    n_genes: int
    genes_missing: tuple[str, ...]
    weight_lost: float


@dataclass(frozen=True, eq=False)
class Signature(Result):
    """A linear risk signature, with everything that scoring a new patient needs.

    Parameters
    ----------
    genes : tuple of str
        Gene symbols; empty for a null model.
    coefficients : tuple of float
        Log hazard ratios per unit of transformed expression, in the order of `genes`.
    transform : Transform
        The transform, fitted on the training cohort.
    cutoff : float
        Median risk score of the training cohort. A score above it is high risk; a tie is low.
    endpoint : str
        The endpoint that the signature was trained to predict.
    training : dict
        The training cohort: name, note, source, sha256, n, n_events, n_candidates.
    selection : dict
        How the penalty was chosen.
    engine : str
        Name of the engine that fitted the path.
    versions : dict
        Versions of its software.
    seed : int
        Random seed of the folds.
    """

    genes: tuple[str, ...]
    coefficients: tuple[float, ...]
    transform: Transform = field(metadata={"show": False})
    cutoff: float
    endpoint: str
    training: dict[str, Any]
    selection: dict[str, Any]
    engine: str
    versions: dict[str, str]
    seed: int

    def __post_init__(self) -> None:
        if not len(self.genes) == len(self.coefficients) == len(self.transform.parameters):
            raise InputError(
                f"{counted(len(self.genes), 'gene')} with {counted(len(self.coefficients), 'coefficient')} and "
                f"{counted(len(self.transform.parameters), 'set')} of transform parameters"
            )

    @property
    def is_null(self) -> bool:
        """Whether no gene was chosen: every patient then has a risk score of 0."""
        return not self.genes

    def __str__(self) -> str:
        training, cv = self.training, self.selection["cross_validation"]
        lines = [
            f"Signature of {counted(len(self.genes), 'gene')} for {self.endpoint}",
            f"  trained on  {training['cohort']}: {counted(training['n'], 'patient')}, "
            f"{counted(training['n_events'], 'event')}, {counted(training['n_candidates'], 'candidate gene')}",
            *([f"              {training['note']}"] if training["note"] else []),
            f"  engine      {self.engine} ({', '.join(f'{k} {v}' for k, v in self.versions.items())})",
            f"  penalty     lambda.{self.selection['rule']} = {self.selection['lambda']:.5g}, "
            f"KKT residual {self.selection['kkt_residual']:.1e}",
            f"  transform   {self.transform.name}",
            f"  cut-off     {self.cutoff:.6g} (training median; a score above it is high risk)",
        ]
        if cv:
            rule = self.selection["rule"]
            null_draws = cv["null_draws" if rule == "min" else "null_draws_1se"]
            lines.append(
                f"  folds       {cv['repeats']} × {cv['n_folds']}-fold; lambda.{rule} chose no gene in "
                f"{null_draws} of {cv['repeats']} draws"
                + ("; the minimum lies at the end of the path" if cv["at_path_end"] else "")
            )
        if self.is_null:
            lines.append("  no gene was chosen: every patient has a risk score of 0")
        width = max(map(len, self.genes), default=0)
        pairs = zip(self.genes, self.coefficients, strict=True)
        lines += [f"    {gene:<{width}}  {coefficient:+.6f}" for gene, coefficient in pairs]
        return "\n".join(lines)

    def to_frame(self) -> pd.DataFrame:
        """A row per gene: ``gene, coefficient``, the largest effect first."""
        frame = pd.DataFrame({"gene": self.genes, "coefficient": self.coefficients})
        return frame.sort_values("coefficient", key=abs, ascending=False, ignore_index=True)

    def to_dict(self) -> dict[str, Any]:
        """The content of the JSON file."""
        shown = super().to_dict()
        shown["transform"] = {"name": self.transform.name, "parameters": self.transform.parameters}
        return {"schema_version": _SCHEMA_VERSION, **shown}

    def save(self, path: str | Path) -> None:
        """Write the signature as JSON; the same signature gives the same bytes."""
        write_text(path, json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n")

    @classmethod
    def load(cls, path: str | Path) -> Signature:
        """Read a signature from JSON.

        Raises
        ------
        InputError
            If the file is not JSON, has another schema version or breaks the schema; with the place in the file.
        """
        path = Path(path)
        content = _read_json(path)
        if not isinstance(content, dict) or "schema_version" not in content:
            raise InputError("the file is not a signature: it has no schema_version", where=str(path))
        if content["schema_version"] != _SCHEMA_VERSION:
            raise InputError(
                f"the signature has schema version {content['schema_version']!r}, but this program reads "
                f"{_SCHEMA_VERSION}",
                where=str(path),
                fix="use the program that wrote it, or fit the signature again",
            )
        error = min(_validator().iter_errors(content), key=lambda e: list(map(str, e.path)), default=None)
        if error is not None:
            raise InputError(
                f"the signature breaks its schema: {error.message[:200]}",
                where=f"{path}, at /{'/'.join(map(str, error.path))}",
            )
        names = ("cutoff", "endpoint", "training", "selection", "engine", "versions", "seed")
        try:
            return cls(
                genes=tuple(content["genes"]),
                coefficients=tuple(map(float, content["coefficients"])),
                transform=Transform(content["transform"]["name"], content["transform"]["parameters"]),
                **{name: content[name] for name in names},
            )
        except InputError as fault:
            raise InputError(fault.what, where=str(path), fix=fault.fix) from None

    def risk_score(
        self, expression: Expression, *, scale: Scale = "cohort", max_weight_lost: float = 0.5
    ) -> RiskScore:
        """Score the patients of a cohort: Σ coefficient × transformed expression (equation 2 of the paper).

        Parameters
        ----------
        expression : Expression
            patients × genes, with the unit of each gene. Outcomes are not needed.
        scale : {"cohort", "training"}
            Compute the transform within these patients, or with the parameters of the training cohort.
        max_weight_lost : float
            Largest share of Σ|coefficient| that may be lost with missing genes.

        Returns
        -------
        RiskScore

        Raises
        ------
        InputError
            If no gene is found, too much weight is lost, or there are too few patients for the scale "cohort".
        """
        check_limits({"scale": scale}, {"scale": one_of(get_args(Scale))})
        values = expression.values
        if len(values) == 0:
            raise InputError("there are no patients to score", where=expression.name)
        columns = self._columns(values, expression.name, scale)
        found = self._usable(values, columns, scale)
        missing = tuple(np.delete(np.array(self.genes, dtype=object), found))
        weights = np.abs(self.coefficients)
        lost = float(1 - weights[found].sum() / weights.sum()) if weights.any() else 0.0
        if lost > max_weight_lost or (self.genes and not found.size):
            raise InputError(
                f"{expression.name} lacks {len(missing)} of {counted(len(self.genes), 'gene')}, with {lost:.0%} of "
                f"the weight; at most {max_weight_lost:.0%} may be lost",
                where=listing(missing),
                fix="raise max_weight_lost (--max-weight-lost) to score the patients anyway",
            )
        chosen = values.iloc[:, columns[found]]
        check_units(self.transform.name, chosen, expression.units)
        x = chosen.to_numpy(np.float64)
        z = (
            within_cohort(self.transform.name, x)
            if scale == "cohort"
            else self.transform.select(found).apply(x)
        )
        scores = weighted_sum(z, np.array(self.coefficients)[found])
        return RiskScore(
            scores=pd.Series(scores, values.index, name="risk_score"),
            scale=scale,
            n_genes=len(self.genes),
            genes_missing=missing,
            weight_lost=lost,
        )

    def _columns(self, values: pd.DataFrame, name: str, scale: str) -> NDArray[np.intp]:
        """Column of each gene, -1 where absent; refuses a cohort without any of them, or with too few patients."""
        columns = symbols.match(self.genes, values.columns)
        if not self.is_null and (columns < 0).all():
            what = f"{name} has none of the {counted(len(self.genes), 'gene')} of the signature"
            if kinds := symbols.other_identifiers(table=values.columns, signature=self.genes):
                fix = "name the genes by symbols on both sides, or fit and score on one platform with the same names"
                raise InputError(f"{what}: {kinds}", where=listing(self.genes), fix=fix)
            raise InputError(
                what,
                where=f"{listing(self.genes)}; the table: {listing(values.columns, 3)}",
                fix="check that genes are in columns (or use --genes-in rows) and named by HGNC symbols",
            )
        needs_cohort = scale == "cohort" and self.transform.depends_on_cohort and not self.is_null
        if needs_cohort and len(values) < MIN_PATIENTS_FOR_COHORT_SCALE:
            raise InputError(
                f"the {self.transform.name} transform, computed within {name}, needs at least "
                f"{MIN_PATIENTS_FOR_COHORT_SCALE} patients, but there are {len(values)}",
                fix="use scale='training' (--scale training), if both cohorts were measured on the same platform",
            )
        return columns

    def _usable(self, values: pd.DataFrame, columns: NDArray[np.intp], scale: str) -> NDArray[np.intp]:
        """Positions in the signature of the genes that can be scored.

        Genes with missing values cannot; nor can genes with a single value if the transform is computed within the
        cohort, since they score 0 for every patient.
        """
        found = np.flatnonzero(columns >= 0)
        x = values.iloc[:, columns[found]].to_numpy(np.float64)
        usable = ~np.isnan(x).any(axis=0)
        if scale == "cohort" and self.transform.depends_on_cohort:
            usable &= (x != x[:1]).any(axis=0)
        return found[usable]


def weighted_sum(z: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Σ coefficient × value of every patient, added gene by gene so that no BLAS changes a digit; shape (n,)."""
    total = np.zeros(len(z))
    for j, coefficient in enumerate(coefficients):
        total += coefficient * z[:, j]
    return total


def _read_json(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8-sig")
        return json.loads(text, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_integer)
    except FileNotFoundError:
        raise InputError("the file does not exist", where=str(path)) from None
    except IsADirectoryError:
        raise InputError("a folder was given, but a signature is a JSON file", where=str(path)) from None
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror}", where=str(path)) from None
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise InputError(f"the file is not valid JSON: {error}", where=str(path)) from None


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        _refuse_constant(text)
    return number


def _integer(text: str) -> int:
    _finite(text)
    return int(text)


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is not a finite number")


@cache
def _validator() -> Any:
    import jsonschema

    schema = resources.files("sequoia_stats").joinpath("schemas", f"signature-{_SCHEMA_VERSION}.json")
    return jsonschema.Draft202012Validator(json.loads(schema.read_text(encoding="utf-8")))
