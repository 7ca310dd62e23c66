"""Gsva: fit on gene sets and a training cohort, then score samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import pandas as pd

from sequoia_base.arguments import Limit, Parameters, ProgressBar, check_limits, one_of, optional, whole
from sequoia_base.flow import Flow
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.sets.collections import GeneSets
from sequoia_stats.sets.collections.bundled import SetSource, open_collections
from sequoia_stats.sets.collections.collection import merged
from sequoia_stats.sets.gsva._other_engines import OTHER_ENGINES
from sequoia_stats.sets.gsva._scores import densities, enrichment, inverted_index
from sequoia_stats.sets.gsva.reference import (
    Reference,
    Settings,
    find_genes,
    read_reference,
    without_genes,
)
from sequoia_stats.sets.gsva.samples import (
    Samples,
    SampleSource,
    by_gene,
    check_counts,
    read_samples,
    refuse_transposed,
    varying,
)
from sequoia_stats.sets.runner import restrict
from sequoia_stats.types.arrays import Floats

if TYPE_CHECKING:
    from anndata import AnnData

#: Fewest samples from which the distribution of a gene is estimated.
MIN_SAMPLES = 4
#: What to do if genes of the reference are missing.
MISSING_CHOICES = ("refuse", "drop")
#: What can compute the scores.
ENGINES = ("native", *OTHER_ENGINES)


class Gsva(Parameters):
    """Gene set variation analysis (Hänzelmann 2013), equal to R's GSVA 1.46 except for sets with duplicated genes.

    Parameters
    ----------
    sets : str, path, GeneSets, mapping, or sequence of these
        Bundled collections ("hallmark", "gobp", "kegg", "c8", "neftel"), GMT files, or sets by name.
    kcdf : {"gaussian", "poisson", "none"}
        Kernel of the distribution of a gene: Gaussian for log values, Poisson for counts, or none for the empirical
        distribution.
    kernel : {"table", "exact"}
        For "gaussian": the normal distribution from a table of 10,001 points, as in R, or exact. Genes that nearly
        tie are then ordered differently: in METABRIC (200 patients, 2,500 genes) 2.9% of ranks differ, and Hallmark
        scores by up to 0.0012.
    engine : {"native", "gseapy", "r"}
        What computes the scores. The last two are for comparison, and only support `fit_transform`.
    tau : float
        Exponent of the rank weights.
    max_diff : bool, default True
        Score = highest + lowest point of the walk; otherwise, the point that is farthest from zero.
    abs_ranking : bool, default False
        Score = highest − lowest point; no effect if `max_diff` is False, as in R.
    min_size, max_size : int
        Smallest and largest number of ranked genes of a set; None means no upper limit.
    aliases : bool, default False
        Also find genes under former names. By default names must match exactly, and the ledger says how many more
        would be found.
    jobs : int, optional
        Number of threads, one per core by default; scores do not depend on it.

    Attributes
    ----------
    reference_ : Reference
        Training values, and the sets with their genes.
    sets_ : GeneSets
        The sets that are scored, with the genes that are ranked.
    flow_ : DataFrame
        Ledger of losses before the fit: ``step, n_before, n_after, reason``.
    versions_ : dict of str to str
        Versions of the software that computed the scores.

    Notes
    -----
    Genes that are constant in the training samples are left out. Genes that tie within a sample are ranked in the
    order of the table. Columns with the same name are replaced by their mean. A gene counts once in a set.

    Scores of two cohorts are comparable if both are scored against the same reference: the distribution of every
    gene comes from the training samples, each new sample is ranked on its own, and a training sample gets the same
    score as in the fit.
    """

    LIMITS: ClassVar[Mapping[str, Limit]] = {
        **Settings.LIMITS,
        "engine": one_of(ENGINES),
        "jobs": optional(whole(1)),
    }
    reference_: Reference
    flow_: pd.DataFrame
    versions_: dict[str, str]

    def __init__(
        self,
        sets: SetSource | Sequence[SetSource] = "hallmark",
        *,
        kcdf: str = "gaussian",
        kernel: str = "table",
        engine: str = "native",
        tau: float = 1.0,
        max_diff: bool = True,
        abs_ranking: bool = False,
        min_size: int = 1,
        max_size: int | None = None,
        aliases: bool = False,
        jobs: int | None = None,
    ) -> None:
        self.sets = sets
        self.kcdf = kcdf
        self.kernel = kernel
        self.engine = engine
        self.tau = tau
        self.max_diff = max_diff
        self.abs_ranking = abs_ranking
        self.min_size = min_size
        self.max_size = max_size
        self.aliases = aliases
        self.jobs = jobs

    def fit(self, x: SampleSource | AnnData) -> Self:
        """Learn the distributions of genes from a training cohort, and restrict the sets to its genes.

        Parameters
        ----------
        x : DataFrame of shape (samples, genes), Cohort, Expression, AnnData, or path
            At least four training samples, or the name of a bundled cohort. Rows of an AnnData are samples.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If a value is missing or infinite, there are too few samples, every gene is constant, or no set is left.
        """
        self.settings()
        self._refuse_other_engine()
        self._fit(x)
        return self

    def transform(
        self,
        x: SampleSource | AnnData,
        *,
        missing: str = "refuse",
        aliases: bool | None = None,
        progress: ProgressBar | None = None,
    ) -> pd.DataFrame:
        """Score samples one by one against the training cohort.

        Parameters
        ----------
        x : DataFrame of shape (samples, genes), Cohort, Expression, AnnData, or path
            One or more new samples. Genes are matched by name; those that are not in the reference are left out.
        missing : {"refuse", "drop"}
            What to do if genes of the reference are missing: raise an error, or leave them out, as if the reference
            had never had them.
        aliases : bool, optional
            Whether a gene of the reference is also found under another name of it in the samples; by default as the
            reference was fitted. The sets of the reference do not change.
        progress : callable, optional
            ``progress(parts, total)`` wraps the iterator over parts of the work.

        Returns
        -------
        DataFrame of shape (samples, sets)
            ``attrs["genes"]`` is the number of ranked genes, ``attrs["flow"]`` the ledger of losses: tuples of step,
            n_before, n_after, reason.

        Raises
        ------
        InputError
            If `fit` has not been called, genes are missing, or values are missing or infinite.
        """
        reference = self._fitted()
        check_limits({"missing": missing}, {"missing": one_of(MISSING_CHOICES)})
        samples = read_samples(x)
        refuse_transposed(samples, reference.genes)
        places = find_genes(
            reference,
            samples,
            drop=missing == "drop",
            aliases=reference.settings.aliases if aliases is None else aliases,
            flow=samples.flow,
        )
        if (places < 0).any():
            reference = without_genes(reference, places < 0, samples.flow)
            places = places[places >= 0]
        new = by_gene(samples, places)
        if reference.settings.kcdf == "poisson":
            check_counts(new, samples, reference.genes, samples.flow)
        return _framed(self._scores(reference, new, progress), samples.table.index, reference, samples.flow)

    def fit_transform(
        self, x: SampleSource | AnnData, *, progress: ProgressBar | None = None
    ) -> pd.DataFrame:
        """Score the samples of a cohort against itself.

        Parameters
        ----------
        x : DataFrame of shape (samples, genes), Cohort, Expression, AnnData, or path
            As in `fit`.
        progress : callable, optional
            ``progress(parts, total)`` wraps the iterator over parts of the work; other engines do not report it.

        Returns
        -------
        DataFrame of shape (samples, sets)
            ``attrs["genes"]`` is the number of ranked genes, ``attrs["flow"]`` holds the lines of `flow_`.

        Raises
        ------
        InputError
            As in `fit`.
        RUnavailableError
            If the engine is R, and R or its package GSVA cannot be used.
        """
        reference = self._fit(x)
        if self.engine == "native":
            scores = self._scores(reference, None, progress)
        else:
            scores, self.versions_ = OTHER_ENGINES[self.engine](
                reference.values, reference.genes, reference.sets.sets, reference.settings, self.jobs
            )
        return _framed(scores, reference.samples, reference, Flow.of(self.flow_))

    @property
    def sets_(self) -> GeneSets:
        """The sets that are scored, with the genes that are ranked."""
        return self._fitted(frozen=False).sets

    def has_sets(self, sets: SetSource | Sequence[SetSource]) -> bool:
        """Whether some sets, restricted to the ranked genes, are the ones that are scored.

        Parameters
        ----------
        sets : str, path, GeneSets, mapping, or sequence of these
            The sets in question, as in `Gsva`.
        """
        reference = self._fitted(frozen=False)
        settings = reference.settings
        theirs = merged(open_collections(sets)).intersect(
            reference.genes, min_size=settings.min_size, max_size=settings.max_size, aliases=settings.aliases
        )
        ours = self.sets_
        return list(theirs) == list(ours) and all(set(theirs[name]) == set(ours[name]) for name in ours)

    def save(self, path: str | Path) -> None:
        """Write the frozen reference with its sets and options as one HDF5 file, completely or not at all."""
        self._fitted().write(path)

    @classmethod
    def load(cls, path: str | Path) -> Gsva:
        """Read a file written by `save`, ready for `transform`.

        Raises
        ------
        InputError
            If the file is of another kind or version, or damaged.
        """
        reference = read_reference(path)
        loaded = cls((), **reference.settings.to_dict())
        loaded.reference_, loaded.versions_ = reference, reference.versions
        loaded.flow_ = Flow().to_frame()
        loaded.sets = loaded.sets_
        return loaded

    def settings(self) -> Settings:
        """The options, checked.

        Raises
        ------
        InputError
            If a word is not valid, a number is out of range, or two options cannot be combined.
        """
        self.check_parameters()
        if self.kernel == "exact" and self.engine != "native":
            raise InputError(f"the engine {self.engine} has no exact kernel", fix="--engine native")
        settings = Settings(
            self.kcdf, self.kernel, float(self.tau), bool(self.max_diff), bool(self.abs_ranking), int(self.min_size),
            None if self.max_size is None else int(self.max_size), bool(self.aliases),
        )  # fmt: skip
        if self.kernel == "exact" and self.kcdf != "gaussian":  # older references may have both
            raise InputError(
                f"kcdf {self.kcdf} has no exact kernel, only gaussian has",
                fix="leave out --kernel, or use --kcdf gaussian",
            )
        return settings

    def _fitted(self, *, frozen: bool = True) -> Reference:
        if not hasattr(self, "reference_"):
            raise InputError("this Gsva has not been fitted", fix="call fit or fit_transform first")
        if frozen:
            self._refuse_other_engine()
        return self.reference_

    def _refuse_other_engine(self) -> None:
        if self.engine != "native":
            raise InputError(f"the engine {self.engine} has no frozen reference", fix="--engine native")

    def _fit(self, x: SampleSource | AnnData) -> Reference:
        settings, sets = self.settings(), merged(open_collections(self.sets))
        samples = read_samples(x)
        refuse_transposed(samples, sets.genes)
        if (n := len(samples.table)) < MIN_SAMPLES:
            raise InputError(
                f"{counted(n, 'sample')} given, but estimating the distribution of a gene takes {MIN_SAMPLES} or more",
                where=samples.name,
                fix="give more samples, or score them against a frozen reference",
            )
        values, genes = _ranked_genes(samples)
        if settings.kcdf == "poisson":
            check_counts(values, samples, genes, samples.flow)
        left = restrict(
            sets,
            genes,
            min_size=settings.min_size,
            max_size=settings.max_size,
            aliases=settings.aliases,
        )
        samples.flow.extend(left.flow)
        whole = [
            name
            for name, size in zip(left.names, left.membership.sizes.tolist(), strict=True)
            if size == len(genes)
        ]
        if whole:
            reason = f"{len(whole)} with every gene, whose score is always 1: {listing(whole, 3)}"
            samples.flow.add("sets: of every gene", len(left.names), len(left.names), reason)
        self.flow_ = samples.flow.to_frame()
        self.versions_ = _versions()
        self.reference_ = Reference(
            values, left.universe, samples.table.index, left.names, left.membership, settings, samples.name,
            sets.name, sets.notice, self.versions_,
        )  # fmt: skip
        return self.reference_

    def _scores(self, reference: Reference, new: Floats | None, progress: ProgressBar | None) -> Floats:
        """Scores of new samples, or of the training cohort itself."""
        settings = reference.settings
        ranked = densities(
            reference.values,
            new,
            kcdf=settings.kcdf,
            kernel=settings.kernel,
            jobs=self.jobs,
            progress=progress,
        )
        index = inverted_index(*reference.membership, len(reference.genes))
        return enrichment(
            ranked,
            index,
            tau=settings.tau,
            max_diff=settings.max_diff,
            abs_ranking=settings.abs_ranking,
            jobs=self.jobs,
            progress=progress,
        )


def _versions() -> dict[str, str]:
    """Versions of our own code, if it is installed, and of the libraries that its loops use."""
    found = {}
    for name in ("sequoia-histology", "numba", "numpy"):
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def _framed(scores: Floats, samples: pd.Index, reference: Reference, flow: Flow) -> pd.DataFrame:
    frame = pd.DataFrame(scores, samples, pd.Index(reference.set_names, dtype=object, name="set"))
    frame.attrs["genes"] = len(reference.genes)
    frame.attrs["flow"] = list(flow)
    return frame


def _ranked_genes(samples: Samples) -> tuple[Floats, pd.Index]:
    """Values of the genes that vary, genes × samples, and their names."""
    values, genes = by_gene(samples), samples.table.columns
    kept = varying(values) if len(genes) else np.zeros(0, bool)
    if kept.sum() < 2:
        raise InputError(
            f"{int(kept.sum())} of {len(genes)} genes vary, but at least 2 are needed for a ranking",
            where=samples.name,
            fix="check that the table contains expression, samples × genes",
        )
    if kept.all():
        return values, genes
    reason = f"constant over the samples: {listing(genes[~kept], 3)}"
    samples.flow.add("genes: that vary", len(genes), int(kept.sum()), reason)
    return values[kept], genes[kept]
