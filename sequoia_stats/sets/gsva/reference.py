"""The frozen reference that new samples are scored against: training values, sets, options, and their file."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.apart import contents
from sequoia_base.arguments import Limit, check_limits, number, one_of, optional, whole
from sequoia_base.atomic import existing_file, new_file
from sequoia_base.flow import Flow
from sequoia_stats.errors import InputError, listing, part
from sequoia_stats.sets.collections import GeneSets, Membership
from sequoia_stats.sets.collections.matching import check_sizes
from sequoia_stats.sets.gsva.samples import Samples
from sequoia_stats.sets.runner import restrict
from sequoia_stats.types.genes import match, other_identifiers

KCDFS = ("gaussian", "poisson", "none")
KERNELS = ("table", "exact")
#: What marks the file, and the version of its layout.
_FORMAT, _VERSION = "sequoia gsva reference", 1
_TEXTS = ("genes", "samples", "set_names")
_FIX = "give a file written by --save-reference"


@dataclass(frozen=True)
class Settings:
    """The options that determine a score; `Gsva` documents them.

    Parameters
    ----------
    kcdf : {"gaussian", "poisson", "none"}
    kernel : {"table", "exact"}
    tau : float
    max_diff, abs_ranking : bool
    min_size : int
    max_size : int or None
    aliases : bool

    Raises
    ------
    InputError
        If a word is not valid or a number is out of range.
    """

    kcdf: str
    kernel: str
    tau: float
    max_diff: bool
    abs_ranking: bool
    min_size: int
    max_size: int | None
    aliases: bool

    #: What the options may be.
    LIMITS: ClassVar[Mapping[str, Limit]] = {
        "kcdf": one_of(KCDFS),
        "kernel": one_of(KERNELS),
        "tau": number("0 or more", lambda value: 0 <= value < math.inf),
        "min_size": whole(1),
        "max_size": optional(whole(1)),
    }

    def __post_init__(self) -> None:
        check_limits(vars(self), self.LIMITS)
        check_sizes(self.min_size, self.max_size)

    def to_dict(self) -> dict[str, Any]:
        """The options as plain values."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Reference:
    """Training values, and the sets to be scored.

    Parameters
    ----------
    values : array of shape (genes, samples)
        float64, finite; no gene is constant.
    genes, samples : Index
        Unique names.
    set_names : list of str
        Names of the sets, in the order of the columns of scores.
    membership : Membership
        A row per set; positions in `genes`.
    settings : Settings
        The options of the fit.
    name : str
        Name of the training cohort.
    collection, notice : str
        Name of the collection of sets, and the notice that must be passed on with the sets.
    versions : dict of str to str
        Versions of the software that made it.
    """

    values: NDArray[np.float64]
    genes: pd.Index
    samples: pd.Index
    set_names: list[str]
    membership: Membership
    settings: Settings
    name: str
    collection: str
    notice: str = ""
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def sets(self) -> GeneSets:
        """The sets, with the genes that are ranked."""
        named = zip(self.set_names, self.membership.members(self.genes), strict=True)
        return GeneSets(self.collection, dict(named), notice=self.notice)

    def write(self, path: str | Path) -> None:
        """Write the reference as HDF5, completely or not at all."""
        words = {"settings": self.settings.to_dict(), "versions": self.versions}
        texts = {"name": self.name, "collection": self.collection, "notice": self.notice}
        try:
            with new_file(path) as temporary, h5py.File(temporary, "w") as file:
                file.attrs["format"], file.attrs["version"] = _FORMAT, _VERSION
                for key, value in texts.items():
                    file.attrs[key] = value
                for key, content in words.items():
                    file.attrs[key] = json.dumps(content)
                for key in _TEXTS:
                    labels: list[str] = list(getattr(self, key))
                    file.create_dataset(key, data=labels, dtype=h5py.string_dtype())
                file.create_dataset("values", data=self.values, compression="gzip", shuffle=True)
                file.create_dataset("set_ends", data=self.membership.indptr)
                file.create_dataset("set_genes", data=self.membership.indices)
        except OSError as error:
            reason = getattr(error, "strerror", None) or error
            raise InputError(f"the file cannot be written: {reason}", where=str(path)) from None


def read_reference(path: str | Path) -> Reference:
    """Read a file written by `Reference.write`.

    Raises
    ------
    InputError
        If the file is of another kind or version, or damaged.
    """
    path = existing_file(path)
    if not h5py.is_hdf5(path):
        raise InputError("this is not a GSVA reference: it is not an HDF5 file", where=str(path), fix=_FIX)
    with _damage(path):
        about, data = contents(path)
        _check_kind(about, path)
        genes, samples, names = ([text.decode() for text in data[key]] for key in _TEXTS)
        reference = Reference(
            values=data["values"],
            genes=pd.Index(genes, dtype=object, name="gene"),
            samples=pd.Index(samples, dtype=object, name="sample_id"),
            set_names=names,
            membership=Membership(data["set_ends"], data["set_genes"]),
            settings=Settings(**json.loads(about["settings"])),
            versions=json.loads(about["versions"]),
            **{key: str(about[key]) for key in ("name", "collection", "notice")},
        )
        _check_content(reference)
    return reference


def find_genes(
    reference: Reference, samples: Samples, *, drop: bool, aliases: bool, flow: Flow
) -> NDArray[np.intp]:
    """Find the genes of a reference in new samples.

    Parameters
    ----------
    reference : Reference
        The frozen reference.
    samples : Samples
        The new samples.
    drop : bool
        Whether genes of the reference may be missing.
    aliases : bool
        Whether a gene may have another name in the samples.
    flow : Flow
        The ledger, which gets a line for genes that only one side has.

    Returns
    -------
    array of shape (genes of the reference,)
        Columns of the samples; -1 if the gene is missing.

    Raises
    ------
    InputError
        If genes are missing and may not be, or fewer than two are left.
    """
    columns = samples.table.columns
    genes = reference.genes
    exact = columns.get_indexer(genes)
    places = match(genes, columns) if aliases else exact
    absent, n = reference.genes[places < 0], len(reference.genes)
    if len(absent) and (not drop or len(absent) > n - 2):
        raise InputError(
            f"{part(len(absent), n, 'gene of the reference', 'are', 'genes of the reference')} missing: "
            f"{listing(absent)}",
            where=samples.name,
            fix=_way_out(genes, columns, all_missing=len(absent) > n - 2, aliases=aliases),
        )
    n_used = n - len(absent)
    if n_renamed := n_used - int((exact >= 0).sum()):
        flow.add("genes: under another name", n_used, n_used, f"{n_renamed} found under an alias")
    if len(absent):
        reason = f"{len(absent)} missing from {samples.name} and left out: {listing(absent, 3)}"
        flow.add("genes: of the reference", n, n_used, reason)
    if len(columns) > n_used:
        flow.add("genes: of the new samples", len(columns), n_used, "the others are not in the reference")
    return places


def _way_out(genes: pd.Index, columns: pd.Index, *, all_missing: bool, aliases: bool) -> str:
    """What to do about genes of a reference that the samples lack."""
    kinds = other_identifiers(reference=genes, samples=columns)
    if all_missing and kinds:
        return f"use names of one kind on both sides: {kinds}"
    n_exact = int((columns.get_indexer(genes) >= 0).sum())
    if not aliases and (n := int((match(genes, columns) >= 0).sum()) - n_exact) > 0:
        if n == len(genes) - n_exact:
            return "--aliases finds them under other names"
        return f"--aliases finds {n} of them under another name; --missing-genes drop leaves out the others"
    return (
        "give all genes of the reference, or leave out the missing ones on both sides: --missing-genes drop"
    )


def without_genes(reference: Reference, absent: NDArray[np.bool_], flow: Flow) -> Reference:
    """The reference as if it had never had some genes; sets that were too large before stay out.

    Parameters
    ----------
    reference : Reference
        The frozen reference.
    absent : array of shape (genes,)
        The genes to leave out.
    flow : Flow
        The ledger, which gets lines for genes and sets lost.

    Returns
    -------
    Reference
        A smaller one.

    Raises
    ------
    InputError
        If no set is left.
    """
    settings, genes = reference.settings, reference.genes[~absent]
    left = restrict(reference.sets, genes, min_size=settings.min_size, max_size=settings.max_size)
    flow.extend(left.flow)
    return replace(
        reference,
        values=reference.values[~absent],
        genes=left.universe,
        set_names=left.names,
        membership=left.membership,
    )


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    """Report any failure inside as damage of the file."""
    try:
        yield
    except InputError as error:
        error.where = error.where or str(path)
        raise
    except Exception as error:  # h5py and json raise a dozen kinds of errors for truncated or changed files
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise InputError(
            "the GSVA reference is damaged", where=f"{path} ({reason})", fix="create it again"
        ) from None


def _check_kind(about: Mapping[str, Any], path: Path) -> None:
    if about.get("format") != _FORMAT:
        raise InputError(
            "this is not a GSVA reference, but another kind of HDF5 file", where=str(path), fix=_FIX
        )
    if (version := int(about["version"])) != _VERSION:
        raise InputError(
            f"the GSVA reference has version {version}, but this program reads version {_VERSION}",
            where=str(path),
            fix="use the program that wrote it, or create it again",
        )


def _check_content(reference: Reference) -> None:
    values, (ends, indices) = reference.values, reference.membership
    labels: Sequence[Any] = (reference.genes, reference.samples, pd.Index(reference.set_names))
    sound = (
        values.shape == (len(reference.genes), len(reference.samples))
        and values.dtype == np.float64
        and all(len(names) and names.is_unique for names in labels)
        and len(ends) == len(reference.set_names) + 1
        and ends[0] == 0
        and ends[-1] == len(indices)
        and (np.diff(ends) > 0).all()
        and indices.min() >= 0
        and indices.max() < len(values)
        and np.isfinite(values).all()
    )
    if not sound:
        raise ValueError("its parts do not match each other")
