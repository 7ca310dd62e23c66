"""A frozen reference of a risk score: the transform of a signature's genes, fitted to a fixed cohort."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sequoia_base.atomic import write_text
from sequoia_base.results import Result
from sequoia_base.tables import read_header
from sequoia_stats.datasets import open_expression
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.io.tidy import recognises as recognises_table
from sequoia_stats.signature._json_files import read_json, refuse_faults
from sequoia_stats.signature._range import MIN_PATIENTS
from sequoia_stats.signature.transforms import Transform, fit_transform, parameter_faults
from sequoia_stats.types.expression import Expression
from sequoia_stats.types.genes import match

_VERSION, _KIND = 1, "scale reference"
_FIX = "give a file written by signature score --save-reference, or a cohort"


@dataclass(frozen=True, eq=False)
class ScaleReference(Result):
    """The transform of genes, fitted to a fixed cohort, so that one new patient can be scored on that cohort's scale.

    The patients of the cohort get the scores that they have if the cohort is scored by itself.

    Parameters
    ----------
    genes : tuple of str
        Genes of the signature that the cohort has, without missing values and with more than one value.
    transform : Transform
        The transform of each gene; for ranks with every distinct value of the cohort.
    cohort : str
        Name of the cohort.
    n : int
        Number of its patients, 20 or more.
    sha256 : str
        Hash of sorted patient ids, sorted genes and their expression.
    """

    genes: tuple[str, ...]
    transform: Transform = field(metadata={"show": False})
    cohort: str
    n: int
    sha256: str

    @classmethod
    def fit(cls, expression: Expression, genes: Sequence[str], transform: str) -> ScaleReference:
        """Fit the transform of some genes to the patients of a cohort.

        Parameters
        ----------
        expression : Expression
            The cohort, 20 patients or more.
        genes : sequence of str
            The genes; those that the cohort lacks, with missing values or with a single value are left out.
        transform : {"rank", "zscore"}
            Name of the transform.

        Raises
        ------
        InputError
            If there are too few patients, or none of the genes.
        """
        values, name = expression.values, expression.name
        if len(values) < MIN_PATIENTS:
            raise InputError(
                f"a reference needs at least {MIN_PATIENTS} patients, but {name} has {len(values)}",
                fix="give a larger cohort of the same platform",
            )
        columns = match(genes, values.columns)
        x = values.iloc[:, columns[columns >= 0]].to_numpy(np.float64)
        usable = ~np.isnan(x).any(axis=0) & (x != x[:1]).any(axis=0)
        if not usable.any():
            raise InputError(
                f"the reference {name} has none of the {counted(len(genes), 'gene')} of the signature",
                where=listing(genes),
                fix="give a cohort with these genes, named as in the signature",
            )
        kept = tuple(np.array(genes, dtype=object)[columns >= 0][usable])
        fitted = fit_transform(transform, x[:, usable], exact=True)
        return cls(kept, fitted, name, len(values), _hash(values.index, kept, x[:, usable]))

    def to_dict(self) -> dict[str, Any]:
        """The content of the JSON file."""
        shown = super().to_dict()
        shown["transform"] = {"name": self.transform.name, "parameters": self.transform.parameters}
        return {"schema_version": _VERSION, "kind": _KIND, **shown}

    def save(self, path: str | Path) -> None:
        """Write the reference as JSON, whole or not at all."""
        write_text(path, json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False) + "\n")

    @classmethod
    def load(cls, path: str | Path) -> ScaleReference:
        """Read a file written by `save`.

        Raises
        ------
        InputError
            If it is another file, of another version, or damaged; with all faults and their places.
        """
        path = Path(path)
        content = read_json(path, "a reference")
        if not isinstance(content, dict) or content.get("kind") != _KIND:
            signature = isinstance(content, dict) and "coefficients" in content
            what = f"this is {'a signature' if signature else 'another kind of JSON file'}, not a reference"
            raise InputError(what, where=str(path), fix=_FIX)
        if content.get("schema_version") != _VERSION:
            raise InputError(
                f"the reference has version {content.get('schema_version')!r}, but this program reads {_VERSION}",
                where=str(path),
                fix="use the program that wrote it, or create it again",
            )
        refuse_faults(
            content,
            "scale-reference-1",
            "the reference",
            path,
            more=parameter_faults(content),
            fix="create it again",
        )
        transform = Transform(content["transform"]["name"], content["transform"]["parameters"])
        return cls(tuple(content["genes"]), transform, content["cohort"], content["n"], content["sha256"])

    def of_genes(self, genes: Sequence[str], transform: str) -> tuple[np.ndarray, Transform]:
        """Which genes of a signature the reference has (mask), and the transform of these.

        Raises
        ------
        InputError
            If the reference holds another transform, or none of the genes.
        """
        if self.transform.name != transform:
            raise InputError(
                f"the reference {self.cohort} holds the {self.transform.name} transform, but the signature uses the "
                f"{transform} transform",
                fix="create the reference again with this signature: signature score --save-reference",
            )
        places = match(genes, self.genes)
        if (places < 0).all():
            raise InputError(
                f"the reference {self.cohort} has none of the {counted(len(genes), 'gene')} of the signature",
                where=f"{listing(genes)}; the reference: {listing(self.genes)}",
                fix="create the reference again with this signature: signature score --save-reference",
            )
        return places >= 0, self.transform.select(places[places >= 0])


def open_reference(
    source: Any, genes: Sequence[str], transform: str, *, genes_in: str = "columns"
) -> ScaleReference:
    """A reference as it is, from its file (.json), or fitted to a cohort.

    Parameters
    ----------
    source : ScaleReference, path, Cohort, Expression, DataFrame or AnnData
        A path may also name a bundled cohort.
    genes : sequence of str
        Genes of the signature.
    transform : str
        Its transform.
    genes_in : {"columns", "rows"}
        Where a frame has its genes. A table of text is read in the other direction if its header shows that it has them
        there: patients and reference may differ in this.
    """
    if isinstance(source, ScaleReference):
        return source
    if isinstance(source, str | Path) and Path(source).suffix.lower() == ".json":
        return ScaleReference.load(source)
    if isinstance(source, str | Path) and recognises_table(Path(source)) and Path(source).is_file():
        in_header = (match(genes, read_header(source)) >= 0).any()
        genes_in = "columns" if in_header else "rows"
    return ScaleReference.fit(open_expression(source, genes_in=genes_in), genes, transform)


def _hash(patients: pd.Index, genes: Sequence[str], x: np.ndarray) -> str:
    rows, columns = (np.argsort(np.array(names, dtype=str), kind="stable") for names in (patients, genes))
    digest = hashlib.sha256()
    digest.update("\n".join(str(patients[i]) for i in rows).encode() + b"\0")
    digest.update("\n".join(genes[i] for i in columns).encode() + b"\0")
    digest.update(np.ascontiguousarray(x[np.ix_(rows, columns)], "<f8").data)
    return digest.hexdigest()
