"""``sequoia-stats spatial``: maps judged against measured spots, and against chance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sequoia_base.cli.output import Force, Json, ledger, progress, say, show, write_csv
from sequoia_stats.cli import spatial_options as options

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from sequoia_stats.spatial.across_slides import SlideEvaluations
    from sequoia_stats.spatial.comparison import MapComparison
    from sequoia_stats.spatial.evaluation import Evaluation

_FIGURES = ("maps", "medians", "genes")
_DRAWN = tuple(f"{stem}.{suffix}" for stem in _FIGURES for suffix in ("png", "svg"))
#: Files of one slide, of several together, and of a comparison; a folder with any other file is never replaced.
EVALUATION_FILES = ("genes.csv", "medians.csv", "summary.json", *_DRAWN)
ACROSS_FILES = ("across.csv", "slides.csv", "medians.csv", "summary.json", "medians.png", "medians.svg")
COMPARISON_OF_MAPS_FILES = ("genes.csv", "medians.csv", "summary.json", "genes.png", "genes.svg")
#: Genes that are drawn unless others are asked for.
_SHOWN = 3
#: What the name of a folder cannot hold, on any system.
_NOT_IN_NAMES = set('/\\:*?"<>|')
_FIX_RANKED_ON = "--ranked-on takes the output folder of `spatial evaluate` of one slide"

app = typer.Typer(help="Judge maps against measured spots, and against chance.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Judge maps against measured spots, and against chance."""


@app.command()
def evaluate(
    maps: Annotated[
        list[Path], typer.Argument(metavar="MAP...", help="Maps of one or several slides (.map.h5ad).")
    ],
    truth: options.TruthsOption,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")],
    heads: options.HeadsOption = None,
    genes: options.GenesOption = None,
    rule: options.RuleOfMaps = "strict",
    ranked_on: Annotated[
        list[Path] | None,
        typer.Option(
            "--ranked-on", help="Output folder of another slide, on which genes are ranked; can be repeated."
        ),
    ] = None,
    shown: Annotated[
        str | None,
        typer.Option(
            "--show", metavar="A,B,…", help="Genes to draw.  [default: 3 farthest beyond their null]"
        ),
    ] = None,
    thumbnail: Annotated[
        list[Path] | None,
        typer.Option("--thumbnail", help="Image of the whole slide to draw beside, once for each map."),
    ] = None,
    top: options.TopOption = 1000,
    nearest: options.NearestOption = 4,
    cap_um: options.CapOption = None,
    smooth: options.SmoothOption = True,
    min_counts: options.MinCountsOption = 10,
    min_overlap: options.OverlapOption = 0.6,
    spectral: options.SpectralOption = 999,
    emd_genes: options.EmdGenesOption = None,
    trust_positions: options.TrustOption = False,
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
    seed: options.SeedOption = 0,
    force: Force = False,
    as_json: Json = False,
) -> int:
    """Compare maps with what was measured on their slides: how alike they are, and what chance gives as well.

    Writes a table of genes, medians beside those of the null, and figures. Of several slides, genes are also ranked on
    the other slides, and intervals are by a bootstrap over slides. Exit code 3: some slides failed, the others are
    done. Exit code 2: all slides failed, or an argument cannot be used.
    """
    from sequoia_base.atomic import new_folder, refuse_existing
    from sequoia_stats.spatial import JudgementOptions, evaluate_maps

    how = JudgementOptions(
        rule=rule, nearest=nearest, cap_um=cap_um, smooth=smooth, min_counts=min_counts, min_overlap=min_overlap,
        spectral=spectral, top=top, emd_genes=emd_genes, trust_positions=trust_positions, seed=seed,
    )  # fmt: skip
    pairs, failed = options.open_pairs(
        maps, truth, heads, format=format_, mpp=mpp, swap_xy=swap_xy, section=section, spots=spots, metadata=metadata,
        image=image, layer=layer, gene_column=gene_column, coords_unit=coords_unit, pitch=pitch, spot_um=spot_um,
    )  # fmt: skip
    alone = len(maps) == 1
    if not alone:
        _refuse_odd_names({str(one.slide): maps[i] for i, (one, _) in pairs.items()})
    others = _others(ranked_on)
    slides = [str(one.slide) for one, _ in pairs.values()] + [one.item for one in failed]
    refuse_existing(
        output, force=force, files=EVALUATION_FILES if alone else (*ACROSS_FILES, *slides),
        inputs=[*maps, *truth, heads, image, *(ranked_on or [])],
    )  # fmt: skip
    images = _images(thumbnail, len(maps))
    drawn = {str(one.slide): images[i] for i, (one, _) in pairs.items()}
    found = evaluate_maps(
        [one for one, _ in pairs.values()], [measured for _, measured in pairs.values()], failed=failed,
        genes=options.chosen_genes(genes), others=others, options=how, progress=progress("judging"),
    )  # fmt: skip
    with new_folder(output) as folder:
        for name, one in found.evaluations.items():
            place = folder if alone else folder / name
            place.mkdir(exist_ok=True)
            _write(one, place, shown, drawn[name])
        if not alone:
            _write_across(found, folder)
    for failure in found.failed:
        say(f"failed: {failure.item}: {failure.reason}")
    for one in found.evaluations.values():
        for line in [*one.measured.notes, *ledger(one.flow.to_frame())]:
            say(line)
    first = next(iter(found.evaluations.values()))
    result = first if alone else found
    show(str(result), {"output": str(output), **result.to_dict()}, as_json)
    say(f"written to {output}")
    return 3 if found.failed else 0


@app.command()
def compare(
    maps: Annotated[list[Path], typer.Argument(metavar="A B", help="Two maps of one slide (.map.h5ad).")],
    truth: options.TruthOption,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")],
    heads: options.HeadsOption = None,
    genes: options.GenesOption = None,
    names: Annotated[
        str | None,
        typer.Option(help="Names of the maps, separated by a comma.  [default: those of the files]"),
    ] = None,
    rule: options.RuleOfMaps = "strict",
    top: options.TopOption = 1000,
    nearest: options.NearestOption = 4,
    cap_um: options.CapOption = None,
    smooth: options.SmoothOption = True,
    min_counts: options.MinCountsOption = 10,
    min_overlap: options.OverlapOption = 0.6,
    emd_genes: options.EmdGenesOption = None,
    trust_positions: options.TrustOption = False,
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
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Compare two maps of one slide with what was measured on it, such as those of a network and of a baseline.

    Writes for each gene the r of both, its difference, and the p of that under shifts of the truth, and a figure.
    """
    from sequoia_base.atomic import new_folder, refuse_existing
    from sequoia_stats.errors import InputError
    from sequoia_stats.spatial import JudgementOptions, compare_maps

    if len(maps) != 2:
        raise InputError(
            f"two maps are compared, but {len(maps)} given", fix="sequoia-stats spatial compare A B"
        )
    refuse_existing(output, force=force, files=COMPARISON_OF_MAPS_FILES, inputs=[*maps, truth, heads])
    how = JudgementOptions(
        rule=rule, nearest=nearest, cap_um=cap_um, smooth=smooth, min_counts=min_counts, min_overlap=min_overlap,
        top=top, emd_genes=emd_genes, trust_positions=trust_positions,
    )  # fmt: skip
    a, b = options.open_maps(maps, heads)
    (measured,) = options.open_truths(
        [truth], format=format_, mpp=mpp, swap_xy=swap_xy, section=section, spots=spots, metadata=metadata, image=image,
        layer=layer, gene_column=gene_column, coords_unit=coords_unit, pitch=pitch, spot_um=spot_um,
    )  # fmt: skip
    found = compare_maps(
        a, b, measured, genes=options.chosen_genes(genes), names=_names(maps, names), options=how,
        progress=progress("comparing"),
    )  # fmt: skip
    _write_comparison(found, output, new_folder)
    for line in [*measured.notes, *ledger(found.flow.to_frame())]:
        say(line)
    show(str(found), {"output": str(output), **found.to_dict()}, as_json)
    say(f"written to {output}")


def _names(maps: list[Path], names: str | None) -> tuple[str, str]:
    """The names of two maps, which must differ."""
    from sequoia_stats.cli.options import column_names
    from sequoia_stats.errors import InputError

    found = column_names(names, "--names") or tuple(path.name.removesuffix(".map.h5ad") for path in maps)
    if len(found) != 2 or found[0] == found[1]:
        raise InputError("the two maps need two names", fix="--names network,ridge")
    return found[0], found[1]


def _others(folders: list[Path] | None) -> dict[str, pd.DataFrame]:
    """Genes of other slides, by the name of the slide."""
    from sequoia_stats.errors import InputError

    found: dict[str, pd.DataFrame] = {}
    for folder in folders or []:
        table, slide = _genes_of(folder), _slide_of(folder)
        if slide in found:
            raise InputError(
                f"the slide {slide} is given twice", where=str(folder), fix="--ranked-on once for each slide"
            )
        found[slide] = table
    return found


def _genes_of(folder: Path) -> pd.DataFrame:
    """Genes of a slide that was judged before."""
    from sequoia_base.tables import read_table
    from sequoia_stats.errors import InputError, listing

    path = folder / "genes.csv"
    table = read_table(path)
    if absent := [name for name in ("gene", "r", "variance") if name not in table]:
        raise InputError(f"the table has no column {listing(absent)}", where=str(path), fix=_FIX_RANKED_ON)
    return table.assign(**{name: table[name].astype(float) for name in ("r", "variance")})


def _slide_of(folder: Path) -> str:
    """The slide whose judgement a folder holds."""
    import json

    from sequoia_base.atomic import existing_file
    from sequoia_stats.errors import InputError

    path = existing_file(folder / "summary.json")
    try:
        slide = json.loads(path.read_text("utf-8"))["slide"]
    except (ValueError, KeyError, TypeError):
        raise InputError("the summary names no slide", where=str(path), fix=_FIX_RANKED_ON) from None
    return str(slide)


def _refuse_odd_names(slides: dict[str, Path]) -> None:
    """Refuse slides whose name cannot be that of a folder beside the others."""
    from sequoia_stats.errors import InputError

    taken = {name.lower(): f"the file {name}" for name in ACROSS_FILES}
    for name, path in slides.items():
        what, fix = "", "give each map a folder of its own: one call for each"
        if (
            not name.strip(" .")
            or name != name.strip()
            or not name.isprintable()
            or set(name) & _NOT_IN_NAMES
        ):
            what = f"{name!r} cannot be the name of a folder"
        elif name.lower() in taken:
            what = f"the folder of the slide {name!r} and {taken[name.lower()]} would have one name"
        if what:
            raise InputError(what, where=str(path), fix=fix)
        taken[name.lower()] = f"that of {path}"


def _images(paths: list[Path] | None, n: int) -> list[NDArray[np.uint8] | None]:
    """The thumbnails, or None for each map."""
    import numpy as np

    from sequoia_base.atomic import existing_file
    from sequoia_stats.errors import InputError, counted

    if not paths:
        return [None] * n
    if len(paths) != n:
        raise InputError(
            f"{counted(n, 'map')} and {counted(len(paths), 'thumbnail')} do not make pairs",
            fix="--thumbnail once for each",
        )
    from PIL import Image, UnidentifiedImageError

    found: list[NDArray[np.uint8] | None] = []
    for path in map(existing_file, paths):
        try:
            with Image.open(path) as image:
                found.append(np.asarray(image.convert("RGB")))
        except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
            raise InputError(f"the image cannot be read: {error}", where=str(path)) from None
    return found


def _write(found: Evaluation, folder: Path, shown: str | None, image: NDArray[np.uint8] | None) -> None:
    """Tables and figures of one slide."""
    from sequoia_stats import plots
    from sequoia_stats.cli.options import column_names
    from sequoia_stats.spatial import map_pairs

    write_csv(found.genes, folder / "genes.csv")
    write_csv(found.medians, folder / "medians.csv")
    _write_summary({**found.to_dict(), "flow": found.flow.to_frame()}, folder)
    beyond = (found.genes["r"] - found.genes["r_shift_high"].fillna(0)).sort_values(
        ascending=False, kind="stable"
    )
    best = found.genes["gene"][beyond.index[:_SHOWN]].tolist()
    pairs = map_pairs(found, list(column_names(shown, "--show")) or best, image=image)
    figures = {
        "maps": plots.map_and_truth(pairs, title=f"{found.slide}: map and truth"),
        "medians": plots.medians_against_null(found.medians, title=found.slide),
        "genes": plots.genes_against_null(found.genes, title=found.slide),
    }
    for stem, figure in figures.items():
        plots.save_figure(figure, folder / stem)


def _write_across(found: SlideEvaluations, folder: Path) -> None:
    """Tables and the figure of several slides together."""
    from sequoia_stats import plots

    for stem, table in {"across": found.genes, "slides": found.slides, "medians": found.medians}.items():
        write_csv(table, folder / f"{stem}.csv")
    _write_summary(found.to_dict(), folder)
    plots.save_figure(plots.medians_against_null(found.slides), folder / "medians")


def _write_comparison(found: MapComparison, output: Path, new_folder: Any) -> None:
    from sequoia_stats import plots

    with new_folder(output) as folder:
        write_csv(found.genes, folder / "genes.csv")
        write_csv(found.medians, folder / "medians.csv")
        _write_summary({**found.to_dict(), "flow": found.flow.to_frame()}, folder)
        figure = plots.genes_of_two_maps(found.genes, found.names, title=found.slide)
        plots.save_figure(figure, folder / "genes")


def _write_summary(content: dict[str, Any], folder: Path) -> None:
    import json

    from sequoia_base.atomic import write_text
    from sequoia_base.results import jsonable

    text = json.dumps(jsonable(content), indent=2, ensure_ascii=False, allow_nan=False)
    write_text(folder / "summary.json", text + "\n")
