"""Modules of genes on spatial maps: scores, subtypes, co-expression and coherence, from one call."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.arguments import ProgressBar, check_limits, one_of, whole
from sequoia_base.flow import Flow
from sequoia_base.results import Result
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.sets.collections import GeneSets, open_sets
from sequoia_stats.sets.collections.bundled import SetSource
from sequoia_stats.spatial.modules._found_modules import JOINED, found_modules, genes_of_all, merged_states
from sequoia_stats.spatial.modules._scores import module_scores, standardised
from sequoia_stats.spatial.modules.coherence import draw_sets, module_coherence, random_coherence
from sequoia_stats.spatial.modules.correlations import (
    clusters_of,
    gene_correlations,
    gene_tree,
    leaf_order,
    mean_over_slides,
)
from sequoia_stats.spatial.modules.subtypes import SubtypeMap, subtype_map

if TYPE_CHECKING:
    from sequoia_base.maps import Map

#: strict: the modules of the collection, genes standardised per slide. paper: genes as predicted, and the states below.
MODULE_RULES = ("strict", "paper")
_HIDDEN = {"show": False}
_LEAST_TILES = 3
#: Module genes whose correlations are computed; the table of more would not fit anywhere.
_MOST_GENES = 3000
_LIMITS = {"rule": one_of(MODULE_RULES), "min_size": whole(2), "n_random": whole(0), "seed": whole(0)}


@dataclass(frozen=True, eq=False)
class ModuleMaps(Result):
    """Modules of genes on one or several maps.

    Parameters
    ----------
    collection : str
        Name of the collection of modules.
    rule : {"strict", "paper"}
        How genes are averaged and clustered.
    seed : int
        Seed of the random sets.
    n_pool : int
        Genes that random sets are drawn from: those that all maps have.
    modules : dict of str to tuple of str
        The modules with the genes that all maps have.
    table : DataFrame
        A row per module and slide, then one per module for all slides (``slide`` is ""): module, slide, n_genes,
        n_found, coherence, coherence_random_mean, coherence_random_high (95% quantile), p_coherence, n_random,
        n_tiles (with this subtype), missing (genes that the maps lack).
    slides : tuple of SubtypeMap
        Module scores, percentiles and subtypes of each slide.
    correlations : DataFrame
        Genes × genes: Pearson correlation over tiles, averaged over slides; NaN for a pair that varies on no slide.
    tree : array of shape (genes − 1, 4)
        Average linkage of the genes of `correlations`.
    genes : DataFrame
        A row per gene of `correlations`, in the order of the clustermap: gene, modules (joined by ";"), cluster.
    flow : DataFrame
        Ledger of genes and modules lost.
    notes : tuple of str
        What must be said with the result.
    """

    collection: str
    rule: str
    seed: int
    n_pool: int
    modules: dict[str, tuple[str, ...]] = field(metadata=_HIDDEN)
    table: pd.DataFrame
    slides: tuple[SubtypeMap, ...]
    correlations: pd.DataFrame = field(metadata=_HIDDEN)
    tree: NDArray[np.float64] = field(metadata=_HIDDEN)
    genes: pd.DataFrame = field(metadata=_HIDDEN)
    flow: pd.DataFrame = field(metadata=_HIDDEN)
    notes: tuple[str, ...] = field(default=(), metadata=_HIDDEN)

    @property
    def overall(self) -> pd.DataFrame:
        """The rows of `table` for all slides together."""
        return self.table[self.table["slide"] == ""].reset_index(drop=True)

    def subtypes(self) -> pd.DataFrame:
        """A row per tile of all slides, as in `SubtypeMap.to_frame`."""
        return pd.concat([one.to_frame() for one in self.slides], ignore_index=True)

    def scores(self) -> pd.DataFrame:
        """A row per tile of all slides: slide, tile, and the score of each module."""
        frames = [
            pd.DataFrame(one.scores, columns=list(one.modules)).assign(slide=one.slide, tile=list(one.names))
            for one in self.slides
        ]
        table = pd.concat(frames, ignore_index=True)
        return table[["slide", "tile", *self.modules]]

    def __str__(self) -> str:
        lines = [f"{self.collection} ({self.rule}) on {counted(len(self.slides), 'map')}"]
        for row in self.overall.itertuples():
            found = f"{row.n_found} of {row.n_genes} genes"
            lines.append(f"  {row.module:<12} {found:<16} mean r {row.coherence:.3f}{_against(row)}")
        for one in self.slides:
            shares = ", ".join(f"{name} {n}" for name, n in one.counts.items() if n)
            lines.append(f"  {one.slide}: {counted(len(one.names), 'tile')}: {shares}")
        return "\n".join(lines)


def gene_modules(
    maps: Iterable[Map],
    collection: SetSource = "neftel",
    *,
    rule: str = "strict",
    min_size: int = 5,
    n_random: int = 1000,
    seed: int = 0,
    aliases: bool = False,
    progress: ProgressBar | None = None,
) -> ModuleMaps:
    """Average maps within modules of genes, and say how coherent the modules are.

    The score of a module on a tile is the mean of its genes, each standardised over the tiles of the slide
    (``rule="strict"``) or as predicted (``"paper"``). The subtype of a tile is the module with the highest percentile
    of the score over the slide. Correlations of genes over tiles are averaged over slides. The coherence of a module is
    the mean correlation of its genes' pairs; p is its rank among random sets of the same size drawn from all genes of
    the maps, (b + 1) / (m + 1).

    Parameters
    ----------
    maps : iterable of Map
        One or several maps, of different slides.
    collection : str, path, GeneSets or mapping
        The modules: a bundled collection, a GMT file, or sets by name.
    rule : {"strict", "paper"}
        ``"paper"`` averages genes as predicted, merges the modules of Neftel into the four states of the publication,
        and clusters genes by the distance between their rows of correlations.
    min_size : int
        Modules with fewer genes in the maps are left out.
    n_random : int
        Random sets for each size; 0 for none.
    seed : int
        Seed of the random sets.
    aliases : bool
        Also find genes under former names.
    progress : callable, optional
        Wraps the loop over maps.

    Returns
    -------
    ModuleMaps

    Raises
    ------
    InputError
        If a slide has two maps or fewer than 3 tiles with values, the maps share no genes, or fewer than two modules
        have enough genes in them, a value is missing or infinite in a tile that windows hold, or the name of a module
        has a semicolon.
    """
    check_limits({"rule": rule, "min_size": min_size, "n_random": n_random, "seed": seed}, _LIMITS)
    maps = list(maps)
    _check_slides(maps)
    sets = merged_states(open_sets(collection)) if rule == "paper" else open_sets(collection)
    pool = genes_of_all(maps)
    modules, flow = found_modules(sets, pool, min_size, aliases)
    genes = list(dict.fromkeys(chain.from_iterable(modules.values())))
    if len(genes) > _MOST_GENES:
        raise InputError(
            f"the modules have {len(genes):,} genes, but at most {_MOST_GENES:,} can be correlated",
            where=sets.name,
            fix="use a GMT file with fewer sets",
        )
    index = {gene: place for place, gene in enumerate(genes)}
    columns = [np.array([index[gene] for gene in members]) for members in modules.values()]
    sizes = [len(members) if len(members) < len(pool) else 0 for members in modules.values()]
    draws = draw_sets(len(pool), max(sizes), n_random, seed)
    found: dict[str, tuple[NDArray, NDArray]] = {}
    slides, matrices = [], []
    for each in progress(maps, len(maps)) if progress else maps:
        values = _values(each, genes)
        slides.append(_subtypes(each, values, modules, columns, rule))
        matrices.append(gene_correlations(values))
        found[each.slide] = (module_coherence(values, columns), _random(each, pool, draws, sizes))
    table = _table(sets, modules, slides, found)
    r, tree, order = _clustered(mean_over_slides(matrices), genes, modules, flow, rule)
    return ModuleMaps(
        collection=sets.name, rule=rule, seed=seed, n_pool=len(pool), modules=modules, table=table,
        slides=tuple(slides), correlations=r, tree=tree, genes=order, flow=flow.to_frame(),
        notes=tuple(_notes(sets, table, pool, genes)),
    )  # fmt: skip


def _check_slides(maps: Sequence[Map]) -> None:
    """Refuse no maps, two maps of a slide, and maps with too few tiles."""
    if not maps:
        raise InputError("there is no map", fix="give one or several maps")
    names = [each.slide for each in maps]
    if repeated := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise InputError(f"several maps are of the slide {listing(repeated)}", fix="give one map a slide")
    for each in maps:
        if (n := int(each.covered.sum())) < _LEAST_TILES:
            raise InputError(
                f"the map has {counted(n, 'tile')} with values, but modules need {_LEAST_TILES}",
                where=f"slide {each.slide}",
                fix="leave it out",
            )


def _values(each: Map, genes: Sequence[str]) -> NDArray[np.float64]:
    """Genes on the tiles that have values, tiles × genes; an error for one that is missing or infinite there."""
    values = np.asarray(each.genes(list(genes)), dtype=np.float64)[each.covered]
    if not np.isfinite(values).all():
        tile, gene = np.argwhere(~np.isfinite(values))[0]
        row, column = each.places[each.covered][tile]
        raise InputError(
            f"a value is {values[tile, gene]} in a tile that windows hold",
            where=f"slide {each.slide}, gene {genes[gene]}, tile {row}x{column}",
            fix="map the slide again, or leave the map out",
        )
    return values


def _subtypes(
    each: Map,
    values: NDArray[np.float64],
    modules: dict[str, tuple[str, ...]],
    columns: list[NDArray[np.int64]],
    rule: str,
) -> SubtypeMap:
    """Scores and subtypes of all tiles of a map; NaN and none for those in no window."""
    scores = np.full((len(each.covered), len(modules)), np.nan)
    found = module_scores(standardised(values), columns)
    if rule == "paper":
        found = np.where(np.isnan(found), np.nan, module_scores(values, columns))
    scores[each.covered] = found
    return subtype_map(
        scores,
        list(modules),
        slide=each.slide,
        names=[f"{row}x{column}" for row, column in each.places.tolist()],
        centres_um=each.centres_um,
        side_um=each.tile_um,
    )


def _random(each: Map, pool: list[str], draws: NDArray[np.int64], sizes: list[int]) -> NDArray[np.float64]:
    """Coherence of the random sets on a map, sets × modules; NaN where the maps have no other genes."""
    result = np.full((len(draws), len(sizes)), np.nan)
    kept = [place for place, size in enumerate(sizes) if size]
    if len(draws) and kept:
        names = np.array(pool, dtype=object)
        result[:, kept] = random_coherence(
            lambda wanted: _values(each, names[wanted].tolist()),
            draws,
            [sizes[place] for place in kept],
            int(each.covered.sum()),
        )
    return result


def _table(
    sets: GeneSets,
    modules: dict[str, tuple[str, ...]],
    slides: Sequence[SubtypeMap],
    found: dict[str, tuple[NDArray, NDArray]],
) -> pd.DataFrame:
    """A row per module and slide, then per module for all slides."""
    on_its_slides = [np.where(np.isnan(r), np.nan, random) for r, random in found.values()]
    whole_run = (_mean([r for r, _ in found.values()]), _mean(on_its_slides))
    tiles = {one.slide: one.counts for one in slides}
    tiles[""] = {name: sum(one.counts[name] for one in slides) for name in modules}
    rows: list[dict[str, Any]] = []
    for slide, (r, random) in [*found.items(), ("", whole_run)]:
        for place, (name, members) in enumerate(modules.items()):
            rows.append(
                {"module": name, "slide": slide, "n_genes": len(sets[name]), "n_found": len(members)}
                | _judged(float(r[place]), random[:, place])
                | {"n_tiles": tiles[slide][name], "missing": JOINED.join(_missing(sets[name], members))}
            )
    return pd.DataFrame(rows)


def _missing(genes: tuple[str, ...], members: tuple[str, ...]) -> list[str]:
    """Genes of a module that the maps lack."""
    there = set(members)
    return [gene for gene in genes if gene not in there]


def _mean(arrays: Sequence[NDArray]) -> NDArray[np.float64]:
    """The mean over slides, of those where it is defined."""
    values = np.stack(arrays)
    defined = ~np.isnan(values)
    total, n = np.where(defined, values, 0).sum(axis=0), defined.sum(axis=0)
    return np.where(n > 0, total / np.maximum(n, 1), np.nan)


def _judged(r: float, random: NDArray[np.float64]) -> dict[str, Any]:
    """A coherence beside those of random sets: their mean, their 95% quantile, and the p-value by rank."""
    random = random[~np.isnan(random)]
    drawn = bool(len(random)) and not np.isnan(r)
    return {
        "coherence": r,
        "coherence_random_mean": float(random.mean()) if drawn else np.nan,
        "coherence_random_high": float(np.quantile(random, 0.95)) if drawn else np.nan,
        "p_coherence": (int((random >= r).sum()) + 1) / (len(random) + 1) if drawn else np.nan,
        "n_random": len(random),
    }


def _clustered(
    r: NDArray[np.float64], genes: list[str], modules: dict[str, tuple[str, ...]], flow: Flow, rule: str
) -> tuple[pd.DataFrame, NDArray[np.float64], pd.DataFrame]:
    """Correlations of the genes that vary, their tree, and the genes in its order with modules and clusters."""
    varies = ~np.isnan(np.diagonal(r))
    names = [gene for gene, kept in zip(genes, varies.tolist(), strict=True) if kept]
    if len(names) < 2:
        raise InputError("no two module genes vary over tiles", fix="are the maps of trained networks?")
    if len(names) < len(genes):
        flow.add("genes: vary over tiles", len(genes), len(names), f"{len(genes) - len(names)} constant")
    r = r[np.ix_(varies, varies)]
    tree = gene_tree(r, rule=rule)
    order, clusters = leaf_order(tree), clusters_of(tree, len(modules))
    homes = {
        gene: JOINED.join(name for name, members in modules.items() if gene in members) for gene in names
    }
    table = pd.DataFrame({"gene": names, "modules": [homes[gene] for gene in names], "cluster": clusters})
    return pd.DataFrame(r, index=names, columns=names), tree, table.iloc[order].reset_index(drop=True)


def _notes(sets: GeneSets, table: pd.DataFrame, pool: list[str], genes: list[str]) -> list[str]:
    """Genes that the maps lack, how random sets were drawn, and the notice of the collection."""
    notes = [sets.notice] if sets.notice else []
    for row in table[(table["slide"] == "") & (table["missing"] != "")].itertuples():
        lost = str(row.missing).split(JOINED)
        notes.append(
            f"{len(lost)} of {row.n_genes} genes of {row.module} are not in the maps: {listing(lost, 5)}"
        )
    if len(pool) < 2 * len(genes):
        notes.append(
            f"random sets are drawn from {counted(len(pool), 'gene')}, of which {len(genes)} are of the modules: "
            "p of coherence says little; use maps with heads, which have all genes"
        )
    return notes


def _against(row: Any) -> str:
    """The coherence of random sets, in words."""
    if np.isnan(row.p_coherence):
        return ""
    return f" (random sets {row.coherence_random_mean:.3f}, p = {row.p_coherence:.3g} of {row.n_random})"
