"""``sequoia-stats modules``: modules of genes on maps, their co-expression, and the subtype of each tile."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sequoia_base.cli.output import Force, Json, ledger, located, progress, say, show, write_csv
from sequoia_stats.cli import spatial_options as options
from sequoia_stats.cli.ora import Aliases

if TYPE_CHECKING:
    import pandas as pd

    from sequoia_stats.spatial.modules import ModuleMaps, ProgrammeAgreement

_TABLES = ("modules", "clusters", "gene_correlations", "subtypes", "module_scores", "agreement")
_FIGURES = ("clustermap", "subtypes")
#: Files that the command writes; a folder with any other file is never replaced.
MODULE_FILES = (
    "summary.json",
    *(f"{stem}.csv" for stem in _TABLES),
    *(f"{stem}.{suffix}" for stem in _FIGURES for suffix in ("png", "svg")),
)


def modules(
    maps: Annotated[
        list[Path], typer.Argument(metavar="MAP...", help="Maps (.map.h5ad) of different slides.")
    ],
    collection: Annotated[
        str,
        typer.Option("--modules", help="neftel, another bundled collection, or a GMT file."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")],
    rule: Annotated[
        str,
        typer.Option(
            help="strict (genes standardised on each slide) or paper (genes as predicted, the four states of the "
            "publication)."
        ),
    ] = "strict",
    heads: options.HeadsOption = None,
    truth: Annotated[
        list[Path] | None,
        typer.Option(
            "--truth",
            help="Measured sections with scores of programmes, one for each map in the same order: modules are "
            "correlated with them.",
        ),
    ] = None,
    programmes: Annotated[
        Path | None,
        typer.Option(
            help="TRUTH: table of scores of its spots.  [default: programmes.csv in the folder of TRUTH]"
        ),
    ] = None,
    format_: options.FormatOfTruth = "auto",
    mpp: options.MppOption = None,
    swap_xy: options.SwapOption = None,
    section: options.SectionOption = None,
    spots: options.SpotsOption = None,
    metadata: options.MetadataOption = None,
    image: options.ImageOption = None,
    layer: options.LayerOption = None,
    gene_column: options.GeneColumnOption = None,
    coords_unit: options.UnitOption = None,
    pitch: options.PitchOption = None,
    spot_um: options.SpotOption = None,
    trust_positions: options.TrustOption = False,
    min_size: Annotated[
        int, typer.Option(min=2, help="Smallest number of genes of a module in the maps.")
    ] = 5,
    n_random: Annotated[
        int, typer.Option("--random", min=0, help="Random gene sets of each size, for the p of coherence.")
    ] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random sets.")] = 0,
    aliases: Aliases = False,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Average maps within modules of genes, cluster their genes, and give each tile its subtype.

    A subtype is the module with the highest percentile on the slide. The coherence of a module is the mean correlation
    of its genes, beside that of random sets of genes.
    """
    from sequoia_base.atomic import new_folder, refuse_existing
    from sequoia_stats.sets.collections import open_sets
    from sequoia_stats.spatial.modules import gene_modules, programme_agreement

    inputs = [*maps, collection, heads, *(truth or []), programmes, spots, metadata, image]
    refuse_existing(output, force=force, files=MODULE_FILES, inputs=inputs)
    _refuse_other_numbers(maps, truth)
    with located(collection):
        sets = open_sets(collection)
    read = options.open_maps(maps, heads)
    truths = options.open_truths(
        truth or [], programmes=programmes, format=format_, mpp=mpp, swap_xy=swap_xy, section=section, spots=spots,
        metadata=metadata, image=image, layer=layer, gene_column=gene_column, coords_unit=coords_unit, pitch=pitch,
        spot_um=spot_um,
    )  # fmt: skip
    result = gene_modules(
        read, sets, rule=rule, min_size=min_size, n_random=n_random, seed=seed, aliases=aliases,
        progress=progress("maps"),
    )  # fmt: skip
    agreement = [
        programme_agreement(one, each, measured, trust_positions=trust_positions)
        for one, each, measured in zip(result.slides, read, truths, strict=False)
    ]
    with new_folder(output) as folder:
        _write(result, agreement, folder)
    for line in [*result.notes, *ledger(result.flow)]:
        say(line)
    for one in agreement:
        for line in [*one.notes, *ledger(one.flow.to_frame())]:
            say(line)
    content = {"output": str(output), **_content(result, agreement)}
    show("\n".join(map(str, [result, *agreement])), content, as_json)
    say(f"written to {output}")


def _refuse_other_numbers(maps: list[Path], truths: list[Path] | None) -> None:
    """Refuse truths that do not make pairs with the maps."""
    from sequoia_stats.errors import InputError, counted

    if truths and len(truths) != len(maps):
        raise InputError(
            f"{counted(len(maps), 'map')} and {counted(len(truths), 'truth')} do not make pairs",
            fix="one --truth for each map, in their order",
        )


def _content(result: ModuleMaps, agreement: list[ProgrammeAgreement]) -> dict[str, object]:
    """The result as plain values."""
    from sequoia_base.results import jsonable

    found: dict[str, object] = {}
    if agreement:
        found = {"agreement": jsonable(_table(agreement)), "truths": [_beside(one) for one in agreement]}
    return {**result.to_dict(), **found, "notes": list(result.notes), "flow": jsonable(result.flow)}


def _table(agreement: list[ProgrammeAgreement]) -> pd.DataFrame:
    """The correlations of all maps."""
    import pandas as pd

    return pd.concat([one.table for one in agreement], ignore_index=True)


def _beside(one: ProgrammeAgreement) -> dict[str, object]:
    """How a section lies on its map, as plain values."""
    from sequoia_base.results import jsonable

    found = {name: value for name, value in one.to_dict().items() if name != "table"}
    return {**found, "flow": jsonable(one.flow.to_frame())}


def _write(result: ModuleMaps, agreement: list[ProgrammeAgreement], folder: Path) -> None:
    """Write all tables and figures."""
    import json

    from sequoia_base.atomic import write_text
    from sequoia_stats import plots

    order = list(result.genes["gene"])
    r = result.correlations.loc[order, order]
    write_csv(result.table, folder / "modules.csv")
    write_csv(result.genes, folder / "clusters.csv")
    write_csv(r.rename_axis("gene").reset_index(), folder / "gene_correlations.csv")
    write_csv(result.subtypes(), folder / "subtypes.csv")
    write_csv(result.scores(), folder / "module_scores.csv")
    if agreement:
        write_csv(_table(agreement), folder / "agreement.csv")
    text = json.dumps(_content(result, agreement), indent=2, allow_nan=False)
    write_text(folder / "summary.json", text + "\n")
    plots.save_figure(plots.module_clustermap(result), folder / "clustermap")
    plots.save_figure(plots.subtype_maps(result.slides), folder / "subtypes")
