"""A gene-expression risk signature: frozen, stored as JSON, and scored on any cohort."""

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

from sequoia_base.atomic import write_text
from sequoia_base.results import Result
from sequoia_stats.errors import InputError, listing
from sequoia_stats.signature.transforms import Transform, check_units, within_cohort
from sequoia_stats.types import genes as symbols
from sequoia_stats.types.expression import Expression

#: The version of the JSON that this code writes and reads.
SCHEMA_VERSION = 1
#: Fewest patients whose own distribution can stand in for the training cohort's.
MIN_PATIENTS_FOR_COHORT_SCALE = 20
Scale = Literal["cohort", "training"]


@dataclass(frozen=True, eq=False)
class RiskScore(Result):
    """Risk scores of a cohort, and what the signature lost on the way.

    Parameters
    ----------
    scores : Series
        patient id → Σ coefficient × transformed expression; higher is worse.
    scale : {"cohort", "training"}
        Where the transform's parameters came from.
    n_genes : int
        Genes of the signature.
    genes_missing : tuple of str
        Genes that the cohort lacks or holds with missing values; on the cohort's scale, also those with one value.
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
    """A linear risk signature with everything that is needed to score a new patient.

    Parameters
    ----------
    genes : tuple of str
        Gene symbols; empty for a null model.
    coefficients : tuple of float
        Log hazard ratios per unit of transformed expression, in the order of `genes`.
    transform : Transform
        Fitted on the training cohort.
    cutoff : float
        Median risk score of the training cohort. Above it is high risk; a tie is low.
    endpoint : str
        What the signature was trained to predict.
    training, selection : dict
        The cohort (name, sha256, n, n_events, ...) and how the penalty was chosen.
    engine : str
        What fitted the model.
    versions : dict
        Versions of the software.
    seed : int
        Seed of the fold draws.
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
                f"{len(self.genes)} genes, {len(self.coefficients)} coefficients and "
                f"{len(self.transform.parameters)} sets of transform parameters do not match"
            )

    @property
    def is_null(self) -> bool:
        """Whether no gene was chosen, so that every patient scores 0."""
        return not self.genes

    def __str__(self) -> str:
        training, cv = self.training, self.selection["cross_validation"]
        lines = [
            f"Signature of {len(self.genes)} genes for {self.endpoint}",
            f"  trained on  {training['cohort']}: {training['n']} patients, {training['n_events']} events, "
            f"{training['n_candidates']} candidate genes",
            *([f"              {training['note']}"] if training["note"] else []),
            f"  engine      {self.engine} ({', '.join(f'{k} {v}' for k, v in self.versions.items())})",
            f"  penalty     lambda.{self.selection['rule']} = {self.selection['lambda']:.5g}, "
            f"KKT residual {self.selection['kkt_residual']:.1e}",
            f"  transform   {self.transform.name}",
            f"  cut-off     {self.cutoff:.6g} (training median; above it is high risk)",
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
        """``gene, coefficient``, the largest effect first."""
        frame = pd.DataFrame({"gene": self.genes, "coefficient": self.coefficients})
        return frame.sort_values("coefficient", key=abs, ascending=False, ignore_index=True)

    def to_dict(self) -> dict[str, Any]:
        """The content of the JSON file."""
        shown = super().to_dict()
        shown["transform"] = {"name": self.transform.name, "parameters": self.transform.parameters}
        return {"schema_version": SCHEMA_VERSION, **shown}

    def save(self, path: str | Path) -> None:
        """Write the signature as JSON; the same signature gives the same bytes."""
        write_text(path, json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n")

    @classmethod
    def load(cls, path: str | Path) -> Signature:
        """Read a signature from JSON.

        Raises
        ------
        InputError
            If the file is no JSON, of another schema version, or breaks the schema; naming the place in the file.
        """
        path = Path(path)
        content = _read_json(path)
        if not isinstance(content, dict) or "schema_version" not in content:
            raise InputError("this is no signature: it has no schema_version", where=str(path))
        if content["schema_version"] != SCHEMA_VERSION:
            raise InputError(
                f"the signature has schema version {content['schema_version']!r}, and this program reads "
                f"{SCHEMA_VERSION}",
                where=str(path),
                fix="use the program that wrote it, or fit it again",
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
            raise InputError(fault.what, where=str(path)) from None

    def risk_score(
        self, expression: Expression, *, scale: Scale = "cohort", max_weight_lost: float = 0.5
    ) -> RiskScore:
        """Score the patients of a cohort: Σ coefficient × transformed expression (equation 2 of the paper).

        Parameters
        ----------
        expression : Expression
            patients × genes, with the unit of each gene. Outcomes are neither needed nor read.
        scale : {"cohort", "training"}
            Compute the transform within these patients, or use the parameters of the training cohort.
        max_weight_lost : float
            Largest share of Σ|coefficient| that missing genes may carry.

        Returns
        -------
        RiskScore

        Raises
        ------
        InputError
            If no gene is found, more weight is lost than allowed, or there are too few patients for "cohort".
        """
        if scale not in get_args(Scale):
            raise InputError(
                f"there is no scale {scale!r}", fix=f"choose one of {', '.join(get_args(Scale))}"
            )
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
                f"{len(missing)} of {len(self.genes)} genes are missing in {expression.name}, with {lost:.0%} of "
                f"the weight; at most {max_weight_lost:.0%} may be lost",
                where=listing(missing),
                fix="raise max_weight_lost (--max-weight-lost) to score it all the same",
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
        """Columns of the genes, -1 where absent; refuses a cohort without any, or with too few patients."""
        columns = symbols.match(self.genes, values.columns)
        if not self.is_null and (columns < 0).all():
            raise InputError(
                f"{name} holds none of the {len(self.genes)} genes of the signature",
                where=listing(self.genes),
                fix="check that genes are in columns (or say --genes-in rows) and named by HGNC symbols",
            )
        needs_cohort = scale == "cohort" and self.transform.depends_on_cohort and not self.is_null
        if needs_cohort and len(values) < MIN_PATIENTS_FOR_COHORT_SCALE:
            raise InputError(
                f"{len(values)} patients are too few to compute the {self.transform.name} transform within "
                f"{name}; at least {MIN_PATIENTS_FOR_COHORT_SCALE} are needed",
                fix="use scale='training' (--scale training), where the platforms agree",
            )
        return columns

    def _usable(self, values: pd.DataFrame, columns: NDArray[np.intp], scale: str) -> NDArray[np.intp]:
        """Positions in the signature of the genes that say something about the patients.

        A gene with missing values does not; nor does one with a single value where the transform is computed
        within the cohort, since it scores 0 for everybody.
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
        raise InputError("there is no such file", where=str(path)) from None
    except IsADirectoryError:
        raise InputError("a signature is a JSON file, and this is a folder", where=str(path)) from None
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
    raise ValueError(f"{text} is no finite number")


@cache
def _validator() -> Any:
    import jsonschema

    schema = resources.files("sequoia_stats").joinpath("schemas", f"signature-{SCHEMA_VERSION}.json")
    return jsonschema.Draft202012Validator(json.loads(schema.read_text(encoding="utf-8")))
