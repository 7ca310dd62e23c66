"""Options of the commands that judge maps, and how they open maps and truths."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sequoia_base.cli.output import located
from sequoia_base.errors import Failure

if TYPE_CHECKING:
    from sequoia_base.maps import Map
    from sequoia_stats.types.spatial_truth import SpatialTruth

TruthsOption = Annotated[
    list[Path],
    typer.Option(
        "--truth",
        help="Measured section (Spatial Transcriptomics, Space Ranger, HEST or h5ad), once for each map.",
    ),
]
TruthOption = Annotated[
    Path,
    typer.Option("--truth", help="Measured section (Spatial Transcriptomics, Space Ranger, HEST or h5ad)."),
]
HeadsOption = Annotated[
    Path | None, typer.Option("--heads", help="Heads of the maps' networks.  [default: where the map says]")
]
GenesOption = Annotated[
    str | None,
    typer.Option("--genes", metavar="A,B,…|FILE", help="Genes to judge.  [default: all of map and truth]"),
]
FormatOfTruth = Annotated[
    str, typer.Option("--format", metavar="auto|st|visium|hest|anndata", help="Format of TRUTH.")
]
MppOption = Annotated[
    float | None,
    typer.Option(
        "--mpp",
        help="TRUTH: µm per pixel of the full-resolution image; as all options of TRUTH but --section, for all truths.",
    ),
]
SwapOption = Annotated[
    bool | None,
    typer.Option("--swap-xy/--no-swap-xy", help="TRUTH: whether x and y are swapped, in all truths."),
]
SectionOption = Annotated[
    list[str] | None,
    typer.Option(
        "--section", help="TRUTH, h5ad: the section to read; once for all truths, or once for each."
    ),
]
SpotsOption = Annotated[Path | None, typer.Option("--spots", help="TRUTH, st: the table of spots.")]
MetadataOption = Annotated[Path | None, typer.Option("--metadata", help="TRUTH, hest: the metadata (.json).")]
LayerOption = Annotated[str | None, typer.Option("--layer", help="TRUTH, h5ad: the layer with the counts.")]
GeneColumnOption = Annotated[
    str | None, typer.Option("--gene-column", help="TRUTH, h5ad: the column of var with the symbols.")
]
ImageOption = Annotated[
    Path | None,
    typer.Option(
        "--image", help="TRUTH: its full-resolution image, whose size and scale are checked; for one truth."
    ),
]
UnitOption = Annotated[
    str | None, typer.Option("--coords-unit", metavar="px|um", help="TRUTH, h5ad: unit of the coordinates.")
]
PitchOption = Annotated[
    float | None,
    typer.Option("--pitch", help="TRUTH, st, h5ad: µm between the centres of neighbouring spots."),
]
SpotOption = Annotated[float | None, typer.Option("--spot-um", help="TRUTH, h5ad: diameter of a spot, µm.")]

RuleOfMaps = Annotated[
    str, typer.Option("--rule", help="strict, or paper, which does what the published code does.")
]
NearestOption = Annotated[int, typer.Option("--nearest", help="Spots whose mean is the truth of a tile.")]
CapOption = Annotated[
    float | None, typer.Option("--cap-um", help="Largest distance of a spot, µm.  [default: 1.5 pitches]")
]
SmoothOption = Annotated[bool, typer.Option("--smooth/--no-smooth", help="3 × 3 median filter of the truth.")]
MinCountsOption = Annotated[int, typer.Option("--min-counts", help="Distinct raw counts that a gene needs.")]
OverlapOption = Annotated[
    float, typer.Option("--min-overlap", help="Share of the tiles that a shift of the truth must leave.")
]
SpectralOption = Annotated[
    int, typer.Option("--spectral", help="Random maps of the spectral null; 0 leaves it out.")
]
TopOption = Annotated[int, typer.Option("--top", help="Number of best genes whose median is reported.")]
EmdGenesOption = Annotated[
    int | None,
    typer.Option(
        "--emd-genes",
        help="Number of the most variable genes whose EMD is found; 0 for none.  [default: what 20 minutes of a core "
        "allow]",
    ),
]
TrustOption = Annotated[
    bool, typer.Option("--trust-positions", help="Do not refuse a truth for the positions of its spots.")
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Random seed, 0 or more.")]


def open_maps(paths: Sequence[Path], heads: Path | None) -> list[Map]:
    """The maps of some files."""
    from sequoia_base.atomic import existing_file
    from sequoia_base.maps import read_map

    if heads is not None:
        existing_file(heads)
    found = []
    for path in paths:
        with located(path):
            found.append(read_map(path, heads))
    return found


def open_truths(paths: Sequence[Path], *, section: list[str] | None, **options: Any) -> list[SpatialTruth]:
    """The truths of some files, each with its section if there is one for each.

    Raises
    ------
    InputError
        If a truth cannot be read, or there are several sections but not one for each truth.
    """
    from sequoia_stats.io import read_truth

    found = []
    for path, names in zip(paths, _sections(section, len(paths)), strict=True):
        with located(path):
            found.append(read_truth(path, section=names[0] if names else None, **options))
    return found


def _sections(section: list[str] | None, truths: int) -> list[list[str]]:
    """The section of each truth, as a list of one or none."""
    from sequoia_stats.errors import InputError, counted

    given = [[name] for name in section or []]
    if len(given) > 1 and len(given) != truths:
        raise InputError(
            f"{counted(truths, 'truth')} and {counted(len(given), 'section')} do not make pairs",
            fix="--section once for all truths, or once for each in their order",
        )
    return given if len(given) > 1 else (given or [[]]) * truths


def open_pairs(
    maps: Sequence[Path],
    truths: Sequence[Path],
    heads: Path | None,
    *,
    section: list[str] | None,
    **options: Any,
) -> tuple[dict[int, tuple[Map, SpatialTruth]], list[Failure]]:
    """Maps with their truths, by their number, and those of several that cannot be read.

    Raises
    ------
    InputError
        If maps, truths and sections do not make pairs, or the only map or its truth cannot be read.
    """
    from sequoia_stats.errors import InputError
    from sequoia_stats.spatial.across_slides import refuse_unequal

    refuse_unequal(len(maps), len(truths))
    found, failed = {}, []
    for i, (path, truth, name) in enumerate(zip(maps, truths, _sections(section, len(truths)), strict=True)):
        try:
            (one,) = open_maps([path], heads)
            (measured,) = open_truths([truth], section=name, **options)
            found[i] = one, measured
        except InputError as error:
            if len(maps) == 1:
                raise
            failed.append(Failure.of(named_by(path), "", error))
    return found, failed


def named_by(path: Path) -> str:
    """The slide that the file of a map is named by."""
    return path.name.removesuffix(".map.h5ad")


def chosen_genes(text: str | None) -> list[str] | None:
    """Genes of an option: a file with a list of them, or names separated by commas."""
    from sequoia_stats.cli.options import column_names
    from sequoia_stats.io.gene_lists import read_gene_list

    if text is None:
        return None
    return read_gene_list(text) if Path(text).is_file() else list(column_names(text, "--genes"))
