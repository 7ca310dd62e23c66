"""From arrays to scores: densities of genes, and enrichment of sets among the ranked genes of a sample."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from functools import cache, partial
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from sequoia_base.arguments import ProgressBar, count_jobs
from sequoia_base.kernels import map_blocks
from sequoia_stats.sets.gsva import _kernels as kernels
from sequoia_stats.types.arrays import Floats

#: The distribution of counts below this is taken from R's own numbers.
_R_COUNTS = 64
#: Genes or samples that one thread takes at a time, and number of such blocks between two updates of the progress.
_BLOCK, _BLOCKS = 16, 32
#: Poisson means up to this are summed term by term; the number of terms grows with its square root.
_LARGE = 2e4
#: A tail counts as zero when the exponent of Chernoff's bound exceeds this.
_FAR = 50.0


class Index(NamedTuple):
    """Which genes are in which sets, in both directions.

    Parameters
    ----------
    set_ptr : array of shape (sets + 1,)
        uint32; set s has the genes ``set_genes[set_ptr[s]:set_ptr[s + 1]]``.
    set_genes : array of shape (memberships,)
        uint32.
    gene_ptr : array of shape (genes + 1,)
        uint32; gene g is in the sets ``gene_sets[gene_ptr[g]:gene_ptr[g + 1]]``.
    gene_sets : array of shape (memberships,)
        uint32.
    """

    set_ptr: NDArray[np.uint32]
    set_genes: NDArray[np.uint32]
    gene_ptr: NDArray[np.uint32]
    gene_sets: NDArray[np.uint32]


def inverted_index(indptr: NDArray[np.int64], indices: NDArray[np.int64], n_genes: int) -> Index:
    """The index from genes to sets, given the genes of every set (rows of a sparse matrix)."""
    sets = np.repeat(np.arange(len(indptr) - 1, dtype=np.uint32), np.diff(indptr))
    counts = np.bincount(indices, minlength=n_genes)
    return Index(
        indptr.astype(np.uint32),
        indices.astype(np.uint32),
        np.concatenate([[0], np.cumsum(counts)]).astype(np.uint32),
        sets[np.argsort(indices, kind="stable")],
    )


def densities(
    values: Floats,
    new: Floats | None,
    *,
    kcdf: str,
    kernel: str,
    jobs: int | None = None,
    progress: ProgressBar | None = None,
) -> Floats:
    """Place of each value in the distribution of its gene, on a scale on which genes can be ranked.

    Parameters
    ----------
    values : array of shape (genes, samples)
        float64, contiguous; no gene is constant. The distributions are estimated from these.
    new : array of shape (genes, new samples), optional
        Where the distributions are evaluated; by default at `values`, bit for bit as if these were new.
    kcdf : {"gaussian", "poisson", "none"}
        Kernel of the distributions.
    kernel : {"table", "exact"}
        For "gaussian": the normal distribution from R's table, or exact.
    jobs : int, optional
        Number of threads, one per core by default.
    progress : callable, optional
        Wraps the iterator over parts of the work.

    Returns
    -------
    array of shape (samples, genes) or (new samples, genes)
        Log odds of the estimated distribution; for "none", the number of samples that do not exceed a value.
    """
    points = values if new is None else new
    result = np.empty((points.shape[1], len(values)))
    if kcdf == "poisson":
        _in_chunks(partial(_poisson, values, points, result), len(values), jobs, progress)
        return result
    fill, arrays = _kernel(values, new, kcdf, kernel)
    _in_chunks(lambda start, stop: fill(*arrays, start, stop, result), len(values), jobs, progress)
    return result


def _kernel(
    values: Floats, new: Floats | None, kcdf: str, kernel: str
) -> tuple[Callable[..., None], tuple[Floats, ...]]:
    """The compiled loop, and its first arguments."""
    if kcdf == "none":
        return kernels.counts_against, (values, values if new is None else new)
    if kernel == "exact":
        return (kernels.exact_within, (values,)) if new is None else (kernels.exact_against, (values, new))
    if new is None:
        return kernels.table_within, (values, normal_table())
    return kernels.table_against, (values, new, normal_table())


def enrichment(
    ranked: Floats,
    index: Index,
    *,
    tau: float,
    max_diff: bool,
    abs_ranking: bool,
    jobs: int | None = None,
    progress: ProgressBar | None = None,
) -> Floats:
    """Scores of all sets in every sample.

    Parameters
    ----------
    ranked : array of shape (samples, genes)
        float64, contiguous; genes are ordered by decreasing value, ties by position.
    index : Index
        The sets.
    tau : float
        Exponent of the weights.
    max_diff : bool
        Sum of the walk's highest and lowest point, or else the point that is farthest from zero.
    abs_ranking : bool
        Their difference instead of the sum.
    jobs : int, optional
        Number of threads, one per core by default.
    progress : callable, optional
        Wraps the iterator over parts of the work.

    Returns
    -------
    array of shape (samples, sets)
    """
    n, n_genes = ranked.shape
    weights = np.array(
        [abs(n_genes / 2 - place) ** tau for place in range(n_genes)]
    )  # by the C library, as in R
    scores = np.empty((n, len(index.set_ptr) - 1))

    def work(start: int, stop: int) -> None:
        kernels.score_samples(
            ranked, start, stop, index.gene_ptr, index.gene_sets, index.set_ptr, index.set_genes, weights, max_diff,
            abs_ranking, scores,
        )  # fmt: skip

    _in_chunks(work, n, jobs, progress)
    return scores


@cache
def normal_table() -> Floats:
    """R's table of the normal distribution from -10 to 10, preceded by 0 and followed by 1."""
    half = np.append(_numbers_of_r()[:10001], 1.0)
    return np.concatenate([1.0 - half[::-1], half[1:]])


def poisson_distribution(counts: Floats, means: Floats) -> Floats:
    """Poisson probability of at most a count.

    Parameters
    ----------
    counts : array of shape (counts,)
        Whole numbers.
    means : array of shape (means,)
        Means of the distributions.

    Returns
    -------
    array of shape (counts, means)
        Exact to about 1e-15, with R's own digits for small counts and means that are a small integer plus a half;
        tails below 1e-21 are zero.
    """
    result = np.empty((len(counts), len(means)))
    large = means > _LARGE
    if not large.all():
        table = np.empty((len(counts), int((~large).sum())))
        kernels.poisson_columns(counts, means[~large], table)
        result[:, ~large] = table
    if large.any():
        result[:, large] = _of_large_means(counts[:, None], means[None, large])
    small_count, small_mean = counts < _R_COUNTS, (means < _R_COUNTS) & (means % 1 == 0.5)
    known = _numbers_of_r()[10001:].reshape(_R_COUNTS, _R_COUNTS)  # a row for each mean
    chosen = known[np.ix_(means[small_mean].astype(np.intp), counts[small_count].astype(np.intp))]
    result[np.ix_(small_count, small_mean)] = chosen.T
    return result


def _of_large_means(counts: Floats, means: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        bound = np.where(counts > 0, counts * np.log(counts / means), 0.0) - counts + means
    result = np.broadcast_to(counts > means, bound.shape).astype(np.float64)
    row, column = np.nonzero(bound < _FAR)  # Chernoff: a tail is below exp(-bound)
    result[row, column] = special.pdtr(counts[row, 0], means[0, column])
    return result


@cache
def _numbers_of_r() -> Floats:
    """The numbers written by ``r/make_gsva_tables.R``."""
    packed = files("sequoia_stats").joinpath("data/gsva_tables.gz").read_bytes()
    return np.frombuffer(gzip.decompress(packed), "<f8").astype(np.float64)


def _poisson(values: Floats, new: Floats, result: Floats, start: int, stop: int) -> None:
    """Densities of counts; there are few distinct ones, so each pair is computed once."""
    for gene in range(start, stop):
        known, codes = np.unique(values[gene], return_inverse=True)
        counts, chosen = np.unique(np.floor(new[gene] + 1e-7), return_inverse=True)  # as R's ppois does
        column = np.empty(new.shape[1])
        kernels.sum_chosen(poisson_distribution(counts, known + 0.5), codes, chosen, column)
        result[:, gene] = column


def _in_chunks(
    work: Callable[[int, int], object], size: int, jobs: int | None, progress: ProgressBar | None
) -> None:
    """Blocks on several threads, in chunks between which progress is shown and Ctrl-C is noticed."""
    chunk = _BLOCK * _BLOCKS * count_jobs(jobs)
    starts = range(0, size, chunk)
    for first in starts if progress is None else progress(starts, len(starts)):

        def block(start: int, stop: int, first: int = first) -> object:
            return work(first + start, first + stop)

        map_blocks(block, min(chunk, size - first), _BLOCK, jobs)
