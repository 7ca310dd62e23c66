"""From slides to a predictions file in one call: tiles, features, genes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sequoia_base.arguments import ProgressBar
from sequoia_base.atomic import refuse_existing
from sequoia_base.conformal import IntervalOptions
from sequoia_base.flow import Flow
from sequoia_base.names import bare_slide
from sequoia_base.search import PassedOver
from sequoia_model.embedding import FolderRun, embed_folder
from sequoia_model.encoders import get_encoder
from sequoia_model.errors import Failure, InputError, listing, none_left
from sequoia_model.feature_files import find
from sequoia_model.prediction.plan import make_plan, refuse_risk
from sequoia_model.prediction.result import PredictionRun
from sequoia_model.prediction.run import check_options, log_beside, predict, run_plan
from sequoia_model.slide import RUNS_FOLDER, is_slide, search_slides, why_not_read
from sequoia_model.targets.network_input import InputSpec
from sequoia_model.tiles import TileOptions
from sequoia_model.types.devices import choose_device
from sequoia_model.weights.loading import Weights, load_weights

if TYPE_CHECKING:
    from sequoia_model.encoders import Encoder

from sequoia_model.embedding.progress import OnProgress

#: Command-line options whose names differ from that of the field.
_OPTIONS = {"max_tiles": "--max-tiles or --all-tiles"}

#: Makes a context for the embedding that gives a function to call with its progress, or None.
Embedding = Callable[[], AbstractContextManager[OnProgress | None]]


def predict_slides(
    slides: str | Path | Iterable[str | Path],
    weights: Weights | str | Path,
    *,
    output: str | Path,
    options: TileOptions = TileOptions(),
    keep: bool = True,
    encoder: str | None = None,
    genes: str | Path | Sequence[str] | None = None,
    patients: str | Path | Mapping[str, str] | None = None,
    measured: str | Path | None = None,
    untrained: int = 0,
    ensemble: str = "held-out",
    intervals: IntervalOptions | None = None,
    calibration: str | Path | None = None,
    batch_size: int = 16,
    device: str = "auto",
    force: bool = False,
    progress: ProgressBar | None = None,
    embedding: Embedding = nullcontext,
) -> PredictionRun:
    """Predict the genes of slides: choose tiles, embed them, and predict from their features.

    Parameters
    ----------
    slides : path, or iterable of path
        Slides, and folders that are searched with their subfolders.
    weights : Weights, str or path
        The networks, or their place for `load_weights`: a folder, or ``hub:ORG/NAME``.
    output : path
        The predictions file (.h5ad), as `predict` describes it.
    options : TileOptions
        How tiles are chosen and read. The default rule is that of the weights' training: "published-code" for published
        weights, "paper" for others. Its seed is also that of the clusters and of untrained networks.
    keep : bool, default True
        Whether features are kept in the folder ``NAME_features`` beside the output, where the next call finds them.
    encoder : str, optional
        The encoder; by default that of the weights. ``NAME@PATH`` gives the place of its own weights.
    genes, patients, measured, untrained, ensemble, intervals, calibration, batch_size
        As in `predict`.
    device : str, default "auto"
        ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
    force : bool, default False
        Whether to replace an existing output, and features that were made with other settings.
    progress : callable, optional
        Wraps an iterable of known length, as a progress bar does: the slides to predict.
    embedding : callable, optional
        Makes a context for the embedding that gives a function to call with its progress, or None.

    Returns
    -------
    PredictionRun
        Slides that could not be tiled or embedded are among the failed ones; tiles left out are counted in the flow.

    Raises
    ------
    InputError
        If an argument or the weights cannot be used, or no slide could be predicted; no predictions are written.
    """
    search = search_slides(slides, twins=True)
    return _predict_found(
        search.slides, weights, passed=search.passed_over, output=output, options=options, keep=keep, encoder=encoder,
        genes=genes, patients=patients, measured=measured, untrained=untrained, ensemble=ensemble, device=device,
        intervals=intervals, calibration=calibration, batch_size=batch_size, force=force, progress=progress,
        embedding=embedding,
    )  # fmt: skip


def predict_any(
    inputs: Iterable[str | Path],
    weights: Weights | str | Path,
    *,
    output: str | Path,
    options: TileOptions | None = None,
    seed: int = 0,
    jobs: int | None = None,
    keep: bool = True,
    embedding: Embedding = nullcontext,
    **shared: Any,
) -> PredictionRun:
    """Predict from slides or from features, whichever is given.

    Parameters
    ----------
    inputs : iterable of path
        Slides or feature files, or folders of either.
    weights : Weights, str or path
        The networks, or their place for `load_weights`.
    output : path
        The predictions file (.h5ad).
    options : TileOptions, optional
        As in `predict_slides`; None if nothing is said about tiles, which features require.
    seed, jobs
        As in `predict`; for slides, they are used if `options` is None.
    keep : bool, default True
        As in `predict_slides`.
    embedding : callable, optional
        As in `predict_slides`.
    **shared
        Other parameters, which `predict_slides` and `predict` share.

    Returns
    -------
    PredictionRun
        What was done.

    Raises
    ------
    InputError
        As both, and if options of tiles are given with features.
    """
    passed = PassedOver()
    slides, features = split_inputs(inputs, passed)
    if slides:
        return _predict_found(
            slides, weights, passed=passed, output=output, options=options or TileOptions(seed=seed, jobs=jobs),
            keep=keep, embedding=embedding, **shared,
        )  # fmt: skip
    words = [] if options is None else _given(options)
    words += ["--no-keep"] * (not keep)
    if words:
        raise InputError(
            f"{listing(words)} cannot be used with features: tiles are chosen from slides",
            where=listing(features, 2),
            fix="leave it out, or give slides",
        )
    return predict(features, weights, output=output, jobs=jobs or 1, seed=seed, **shared)


def _given(options: TileOptions) -> list[str]:
    """The command-line options that were given; the number of tiles if all values are the default ones."""
    default = TileOptions(seed=options.seed, jobs=options.jobs)
    changed = [
        item.name for item in fields(options) if getattr(options, item.name) != getattr(default, item.name)
    ]
    return [_OPTIONS.get(name, f"--{name.replace('_', '-')}") for name in changed or ["max_tiles"]]


def split_inputs(
    paths: Iterable[str | Path], passed: PassedOver | None = None
) -> tuple[list[Path], list[Path]]:
    """Find slides, and distinguish them from feature files.

    Parameters
    ----------
    paths : iterable of path
        Slides or feature files, or folders of either.
    passed : PassedOver, optional
        Gets the counts of files that look like slides, but are not taken.

    Returns
    -------
    slides, features : list of Path
        Slides as `find_slides` finds them; feature files and their folders as they were given.

    Raises
    ------
    InputError
        If a folder holds both, or slides and feature files were given together.
    """
    slides: dict[Path, None] = {}
    features: list[Path] = []
    for path in map(Path, paths):
        inside = _slides_at(path, PassedOver() if passed is None else passed)
        slides.update(dict.fromkeys(inside))
        features += [] if inside else [path]
    if slides and features:
        raise InputError(
            "slides and features were given together",
            where=f"{listing(slides, 2)}; {listing(features, 2)}",
            fix="embed the slides and give all features, or predict them separately",
        )
    return sorted(slides, key=lambda path: bare_slide(path.name)), features


def _slides_at(path: Path, passed: PassedOver) -> list[Path]:
    """The slides at a path; none if it holds features, or cannot be searched, which `find` then reports."""
    if is_slide(path) or not path.is_dir():
        return [path] if is_slide(path) or why_not_read(path)[0] else []
    if (path / RUNS_FOLDER).is_dir():
        return []
    try:
        search = search_slides(path, twins=True)
    except InputError as error:
        if "passed over" in error.what and not _found(lambda: find(path)):
            raise
        return []
    ours = [folder.parent for folder in path.rglob(RUNS_FOLDER)]
    if any(not any(file.is_relative_to(folder) for folder in ours) for file in _found(lambda: find(path))):
        raise InputError(
            "the folder holds both slides and feature files", where=str(path), fix="give only one kind"
        )
    passed.update(search.passed_over)
    return search.slides


def _found(search: Callable[[], list[Path]]) -> list[Path]:
    try:
        return search()
    except InputError:
        return []


def _predict_found(
    slides: Sequence[Path],
    weights: Weights | str | Path,
    *,
    passed: PassedOver,
    output: str | Path,
    options: TileOptions,
    keep: bool,
    embedding: Embedding,
    encoder: str | None = None,
    measured: str | Path | None = None,
    untrained: int = 0,
    ensemble: str = "held-out",
    device: str = "auto",
    batch_size: int = 16,
    force: bool = False,
    progress: ProgressBar | None = None,
    **named: Any,
) -> PredictionRun:
    """Predict the slides found; `named` holds the genes and patients that the user named, and what intervals need."""
    jobs = options.jobs or 1
    check_options(output, ensemble, jobs=jobs, batch_size=batch_size, untrained=untrained, seed=options.seed)
    given = [*named.values(), measured, options.mpp_table, options.annotation]
    inputs = [*slides, *(item for item in given if isinstance(item, str | Path))]
    refuse_existing(output, force=force, inputs=inputs)
    place = choose_device(device)
    loaded = weights if isinstance(weights, Weights) else load_weights(weights)
    refuse_risk(loaded)
    one_each = {
        bare_slide(path.name): path for path in slides
    }  # slides that share a name fail in the embedding
    plan = make_plan(
        list(one_each.values()), loaded, encoder=encoder, measured=measured, ensemble=ensemble, seed=options.seed,
        **named,
    )  # fmt: skip
    maker = _encoder(encoder or plan.spec.encoder, plan.spec, device)
    chosen = replace(options, rule=options.rule or _rule_of_training(loaded))
    with _features_folder(Path(output), keep) as folder:
        with embedding() as show:
            run = embed_folder(
                slides, folder, chosen, encoder=maker, force=force, keep_same=True, log=log_beside(output),
                progress=show,
            )  # fmt: skip
        failed, flow = _losses(run, passed)
        files = {slide.name: folder / f"{slide.name}.h5" for slide in run.slides if slide.state == "done"}
        if not files:
            raise none_left(failed, "embedded")
        done = run_plan(
            plan.with_files(files), output, untrained=untrained, device=place, jobs=jobs, batch_size=batch_size,
            progress=progress, failed=failed, flow=flow,
        )  # fmt: skip
        return replace(done, warnings=(*done.warnings, *_notes(run)))


def _notes(run: FolderRun) -> list[str]:
    """Notes about slides and annotations, each with the slides that it is about."""
    named: dict[str, list[str]] = {}
    for slide in run.slides:
        for note in slide.notes:
            named.setdefault(note, []).append(slide.name)
    return [f"{listing(names, 3)}: {note}" for note, names in named.items()]


def _encoder(name: str, spec: InputSpec, device: str) -> Encoder:
    encoder = get_encoder(name, device=device)
    if encoder.card.dimension != spec.input_dim:
        raise InputError(
            f"{spec.encoder} makes {encoder.card.dimension} features, but the networks take {spec.input_dim}",
            fix="give weights that were trained on features of this encoder",
        )
    return encoder


def _rule_of_training(weights: Weights) -> str:
    """The rule that chose the tiles on which the networks were trained."""
    return "paper" if weights.cancer is None else "published-code"


@contextmanager
def _features_folder(output: Path, keep: bool) -> Iterator[Path]:
    """The folder of the features beside the output, kept or temporary."""
    if keep:
        yield output.with_name(f"{output.stem}_features")
        return
    with tempfile.TemporaryDirectory(prefix=f".{output.stem}-", dir=output.parent) as folder:
        yield Path(folder)


def _losses(run: FolderRun, passed: PassedOver) -> tuple[list[Failure], Flow]:
    """Files, slides and tiles that were lost on the way to features."""
    failed = [slide.failure for slide in run.failed if slide.failure is not None]
    flow = Flow()
    if passed:
        found = len(run.slides)
        flow.add("slides: found", found + passed.total(), found, f"passed over: {passed}")
    if failed:
        n, names = len(run.slides), listing((failure.item for failure in failed), 3)
        flow.add("slides: embedded", n, n - len(failed), f"{len(failed)} failed: {names}")
    tiles = sum(slide.tiles or 0 for slide in run.slides if slide.state == "done")
    lost = {reason: n for reason, n in run.left_out.items() if n}
    if lost:
        reasons = ", ".join(f"{n:,} {reason}" for reason, n in lost.items())
        flow.add("tiles", tiles + sum(lost.values()), tiles, reasons)
    return failed, flow
