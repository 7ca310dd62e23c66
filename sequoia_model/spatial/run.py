"""Makes the map of a slide from its features: windows through the networks, their means per tile, a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from sequoia_base.apart import begin
from sequoia_base.arguments import ProgressBar
from sequoia_base.atomic import refuse_existing
from sequoia_base.maps import read_heads, write_geojson, write_map
from sequoia_model.errors import InputError
from sequoia_model.spatial._map_plan import MapPlan, plan_map
from sequoia_model.spatial._map_work import MapWork
from sequoia_model.spatial._unfinished import unfinished
from sequoia_model.spatial.map_options import MapOptions
from sequoia_model.spatial.map_result import MapRun
from sequoia_model.spatial.stain_density import densities_of_image
from sequoia_model.types.bag import FeatureBag
from sequoia_model.types.devices import choose_device
from sequoia_model.weights.loading import Weights, load_weights


def map_slide(
    features: str | Path | FeatureBag,
    weights: Weights | str | Path,
    *,
    output: str | Path,
    genes: str | Path | Sequence[str] | None = None,
    stride: int | None = None,
    budget: str | float | None = None,
    ensemble: str = "held-out",
    encoder: str | None = None,
    slide_mpp: float | None = None,
    origins: str = "overhang",
    holes: str = "mean",
    per_tile: bool = False,
    heads: str | Path | None = None,
    patients: str | Path | Mapping[str, str] | None = None,
    gene_names: str | Path | Sequence[str] | None = None,
    precision: str | None = None,
    slide: str | Path | None = None,
    untrained: int | None = None,
    geojson: str | Path | None = None,
    device: str = "auto",
    batch_size: int | None = None,
    force: bool = False,
    progress: ProgressBar | None = None,
) -> MapRun:
    """Map the genes of a slide over its tiles, from the features of all of them.

    Every square window of tiles goes through the networks, and a tile has the mean over the windows that hold it. The
    file holds the means of the latent vectors, from which every gene is one product. What was computed is kept
    beside the output until that is written, and an interrupted call goes on.

    Parameters
    ----------
    features : path or FeatureBag
        All tiles of the slide, with their coords.
    weights : Weights, str or path
        The networks, or their place for `load_weights`.
    output : path
        The map (.map.h5ad); `read_map` reads it.
    genes : path, str or sequence of str, optional
        Genes whose values are also written, as X: a file as for `read_genes`, names separated by commas, or a list. A
        `TileMLP`, which is not linear at its end, needs them.
    stride : int, optional
        Places between neighbouring windows; 1 by default.
    budget : str or float, optional
        The time for the windows, in seconds or as "10min": a few are timed, and the smallest stride that fits is taken.
    ensemble : {"held-out", "all"}
        Whether a patient in the splits of the weights is mapped only by the network that was not trained on the
        patient, or by all.
    encoder : str, optional
        The encoder of the features, if the file or the weights do not name it.
    slide_mpp : float, optional
        µm per pixel of level 0, if the features do not say.
    origins : {"overhang", "published"}
        Where windows may begin: over every edge, or never over the left and top ones.
    holes : {"mean", "packed-zeros", "zeros"}
        What stands where a window has no tile.
    per_tile : bool, default False
        Whether a `TileMLP` scores single tiles, without windows.
    heads : path, optional
        The heads file that the map names; by default that of the run folder, else ``heads.h5`` beside the map. It is
        written if it is not there.
    patients : path or mapping of str to str, optional
        Patient of the slide; by default its TCGA barcode.
    gene_names : path or sequence of str, optional
        Names of the outputs, if the weights have none and they are not the 20,820 published ones.
    precision : {"float32", "bfloat16"}, optional
        Of the products; by default bfloat16 on a GPU, float32 elsewhere.
    slide : path, optional
        The slide itself, for the haematoxylin and the tissue of each tile.
    untrained : int, optional
        Random seed of untrained networks of the same architecture, which take the place of the trained ones.
    geojson : path, optional
        A file for QuPath: a square for each tile, with the genes as measurements.
    device : str, default "auto"
        ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
    batch_size : int, optional
        Windows at once; the last digits may depend on it.
    force : bool, default False
        Whether to replace an existing output.
    progress : callable, optional
        Wraps an iterable of known length, as a progress bar does: blocks of windows.

    Returns
    -------
    MapRun
        Counts, which networks were used, and warnings.

    Raises
    ------
    InputError
        If an argument cannot be used, features, weights and genes do not fit each other, or no window holds tiles at
        more than half of its places; nothing is written.
    """
    options = MapOptions(
        stride,
        budget,
        ensemble,
        origins,
        holes,
        per_tile,
        precision,
        untrained,
        slide_mpp,
        device,
        batch_size,
    )
    output = Path(output)
    sources = [
        item for item in (features, genes, patients, gene_names, slide) if isinstance(item, str | Path)
    ]
    _refuse_outputs(output, geojson, genes, force=force, inputs=sources)
    _refuse_heads(heads, {"-o": output, "--geojson": geojson})
    begin()  # the reader of features, while the weights are loaded
    place = choose_device(device)
    loaded = weights if isinstance(weights, Weights) else load_weights(weights)
    plan = plan_map(
        features, loaded, encoder=encoder, genes=genes, gene_names=gene_names, patients=patients, ensemble=ensemble,
        slide_mpp=slide_mpp, untrained_seed=untrained, per_tile=per_tile,
    )  # fmt: skip
    options.refuse_without_effect(windows=not per_tile, latents=plan.is_linear)
    work = MapWork(plan, options.on(place.type), place, output)
    work.refuse_no_window()
    named = work.heads(heads)
    if named is not None:
        _refuse_same({"the heads": named.path, "-o": output, "--geojson": geojson})
    columns, origin = _of_slide(plan, slide, progress)
    with unfinished(output) as kept:
        made = work.compute(kept, progress)
        result = work.assemble(made, named, columns)
        if geojson is not None:
            write_geojson(result, geojson, plan.wanted, origin=origin, force=force)
        write_map(result, output, genes=plan.wanted, force=force)
    return work.outcome(result, made)


def _refuse_outputs(
    output: Path,
    geojson: str | Path | None,
    genes: object,
    *,
    force: bool,
    inputs: Sequence[str | Path],
) -> None:
    """Refuse outputs that cannot be written, before any work is done."""
    if output.suffix.lower() != ".h5ad":
        raise InputError("the output must be an .h5ad file", where=str(output), fix="-o NAME.map.h5ad")
    refuse_existing(output, force=force, inputs=inputs)
    if geojson is not None:
        if genes is None:
            raise InputError("--geojson writes genes, and none are named", fix="name them with --genes")
        refuse_existing(geojson, force=force, inputs=inputs)


def _refuse_heads(heads: str | Path | None, outputs: Mapping[str, str | Path | None]) -> None:
    """Refuse outputs at one place, and what cannot be the heads file."""
    _refuse_same({"--heads": heads, **outputs})
    if heads is None:
        return
    if Path(heads).exists():
        read_heads(heads)
    elif not Path(heads).resolve().parent.is_dir():
        raise InputError("the folder of the heads does not exist", where=str(heads), fix="create it first")


def _refuse_same(files: Mapping[str, str | Path | None]) -> None:
    """Refuse two files with one path, of which the later would replace the earlier."""
    names: dict[Path, str] = {}
    for name, path in files.items():
        if path is not None and (other := names.setdefault(Path(path).resolve(), name)) != name:
            raise InputError(
                f"{other} and {name} are the same file", where=str(path), fix="give each a name of its own"
            )


def _of_slide(
    plan: MapPlan, slide: str | Path | None, progress: ProgressBar | None
) -> tuple[pd.DataFrame, tuple[float, float]]:
    """What the slide itself shows of each tile, and the corner of its scanned area."""
    if slide is None:
        return pd.DataFrame(index=range(len(plan.places.places))), (0, 0)
    places = plan.places
    found = densities_of_image(
        slide, places.centres_px - places.side_px / 2, places.side_px, places.slide_mpp,
        size=places.bag.geometry.slide_size, progress=progress,
    )  # fmt: skip
    return pd.DataFrame({"haematoxylin": found.haematoxylin, "tissue": found.tissue}), found.origin
