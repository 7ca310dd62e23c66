"""A gene-expression risk signature: frozen, stored as JSON, and applied to any cohort."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.atomic import write_text
from sequoia_base.results import Result
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.io import read_expression
from sequoia_stats.signature._json_files import read_json, refuse_faults
from sequoia_stats.signature.reference import ScaleReference
from sequoia_stats.signature.scoring import RiskScore, Scale, compute_scores
from sequoia_stats.signature.transforms import Transform, parameter_faults
from sequoia_stats.types.cohort import Cohort
from sequoia_stats.types.expression import Expression
from sequoia_stats.types.genes import match

if TYPE_CHECKING:
    from anndata import AnnData

#: Schemas of the JSON that this code reads, by version; it writes the last one.
_SCHEMAS = {1: "signature-1", 2: "signature-2"}
#: Names in a JSON file that show that it is meant as a signature.
_SIGNS = ("genes", "coefficients", "cutoff", "transform")
_FIX = "mend these places as in a file that signature fit wrote; sequoia_stats/schemas/{}.json describes it"


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
        The training cohort: name, note, source, sha256, n, n_events, n_candidates, the names of the candidates and the
        hashes of the patients, unless an older version fitted the signature.
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

    def find(self, names: Iterable[str]) -> NDArray[np.intp]:
        """Position of each gene of the signature among names, also under its former names; -1 where it is absent."""
        return match(self.genes, names)

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
        return {"schema_version": 2 if "patients" in self.training else 1, **shown}

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
        content = read_json(path, "a signature")
        version = content.get("schema_version", max(_SCHEMAS)) if isinstance(content, dict) else None
        if version is None or (
            "schema_version" not in content and not any(sign in content for sign in _SIGNS)
        ):
            raise InputError(
                "the file is not a signature: it has no schema_version",
                where=str(path),
                fix="give a file that signature fit wrote; the signature comes before the cohort",
            )
        if version not in _SCHEMAS:
            raise InputError(
                f"the signature has schema version {version!r}, but this program reads {listing(_SCHEMAS)}",
                where=str(path),
                fix="use the program that wrote it, or fit the signature again",
            )
        schema, faults = _SCHEMAS[version], parameter_faults(content)
        refuse_faults(content, schema, "the signature", path, more=faults, fix=_FIX.format(schema))
        names = ("cutoff", "endpoint", "training", "selection", "engine", "versions", "seed")
        return cls(
            genes=tuple(content["genes"]),
            coefficients=tuple(map(float, content["coefficients"])),
            transform=Transform(content["transform"]["name"], content["transform"]["parameters"]),
            **{name: content[name] for name in names},
        )

    def risk_score(
        self,
        expression: Expression | Cohort | pd.DataFrame | AnnData,
        *,
        scale: Scale = "cohort",
        reference: ScaleReference | Cohort | Expression | pd.DataFrame | AnnData | str | Path | None = None,
        scale_within: Any = None,
        max_weight_lost: float = 0.5,
        allow_overlap: bool = False,
    ) -> RiskScore:
        """Score the patients of a cohort: Σ coefficient × transformed expression (equation 2 of the paper).

        Parameters
        ----------
        expression : Expression, Cohort, DataFrame of shape (patients, genes), or AnnData
            The patients. Outcomes are not needed.
        scale : {"cohort", "training"}
            Compute the transform within these patients, or with the parameters of the training cohort. The scale of the
            cohort is wrong for a selected case-mix or a subgroup, whose own mean becomes the middle, and for pooled
            studies; that of the training cohort is wrong for any other platform or processing.
        reference : ScaleReference, cohort or path, optional
            A fixed cohort of the same platform as the patients, or what `reference` made of it: the transform takes its
            parameters, so that one patient can be scored.
        scale_within : str, Series or array of shape (patients,), optional
            Study of each patient, or the covariate that holds it: the transform is computed within each study, of 20
            patients or more.
        max_weight_lost : float
            Largest share of Σ|coefficient| that may be lost with missing genes.
        allow_overlap : bool
            Score and count patients that the signature was trained on, whose scores look better than those of others.

        Returns
        -------
        RiskScore
            Its ``notes`` say if the patients lie outside the range of the training cohort or the reference, or are all
            on one side of the cut-off.

        Raises
        ------
        InputError
            If no gene is found, too much weight is lost, there are too few patients for the scale "cohort", a few
            patients lie outside the range of the training cohort or the reference, or the signature was trained on some
            of them.
        """
        return compute_scores(
            self,
            read_expression(expression),
            scale=scale,
            reference=reference,
            scale_within=scale_within,
            max_weight_lost=max_weight_lost,
            allow_overlap=allow_overlap,
        )

    def reference(self, expression: Expression | Cohort | pd.DataFrame | AnnData) -> ScaleReference:
        """The frozen reference of a cohort, against which single patients of its platform can be scored.

        Parameters
        ----------
        expression : Expression, Cohort, DataFrame of shape (patients, genes), or AnnData
            The cohort, 20 patients or more.

        Raises
        ------
        InputError
            If there are too few patients or none of the genes, or the transform does not depend on a cohort.
        """
        if self.is_null or not self.transform.depends_on_cohort:
            why = f"the {self.transform.name} transform does not depend on a cohort"
            raise InputError(
                f"{'the signature has no gene' if self.is_null else why}, so there is nothing to keep as a reference",
                fix="score the patients without a reference",
            )
        return ScaleReference.fit(read_expression(expression), self.genes, self.transform.name)
