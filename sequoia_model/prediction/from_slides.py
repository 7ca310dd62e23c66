"""From slides to a predictions file in one call: tiles, features, genes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sequoia_base.atomic import refuse_existing
from sequoia_base.names import bare_slide
from sequoia_model.embedding import FolderRun, embed_folder
from sequoia_model.encoders import get_encoder
from sequoia_model.errors import InputError, listing
from sequoia_model.feature_files import find
from sequoia_model.prediction.ledger import Before
from sequoia_model.prediction.plan import make_plan
from sequoia_model.prediction.stream import Progress, check_options, predict
from sequoia_model.prediction.summary import Failure, PredictionRun
from sequoia_model.slide import RUNS_FOLDER, find_slides, is_slide
from sequoia_model.targets.inputs import Needs, needs_of
from sequoia_model.tiles import TileOptions
from sequoia_model.weights.loading import Weights, load_weights

if TYPE_CHECKING:
    from sequoia_model.encoders import Encoder

from sequoia_model.embedding.progress import OnProgress

#: Options whose name is not that of the argument.
_OPTIONS = {"max_tiles": "--max-tiles or --all-tiles"}

Embedding = Callable[[], AbstractContextManager[OnProgress | None]]


def predict_slides(
    slides: str | Path | Iterable[str | Path],
    weights: Weights | str | Path,
    *,
    output: str | Path,
    tiling: TileOptions = TileOptions(),
    keep: bool = True,
    encoder: str | None = None,
    device: str = "auto",
    force: bool = False,
    progress: Progress | None = None,
    embedding: Embedding = nullcontext,
    **options: Any,
) -> PredictionRun:
    """Predict the genes of slides: choose tiles, embed them, and predict from their features.

    Parameters
    ----------
    slides : path, or iterable of path
        Slides, and folders of them.
    weights : Weights, str or path
        As `load_weights` gives or takes them.
    output : path
        The predictions file (.h5ad).
    tiling : TileOptions
        How tiles are chosen and read. Without a rule, that of the weights' training: "published-code" for published
        weights, "paper" for others. Its seed is also that of the clusters and of untrained networks.
    keep : bool, default True
        Whether features stay in the folder ``NAME_features`` beside the output, where the next call finds them.
    encoder : str, optional
        By default that of the weights; ``NAME@PATH`` says where its own weights are.
    device : str, default "auto"
        ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
    force : bool, default False
        Whether an output that exists may be replaced, and features that were made otherwise.
    progress : callable, optional
        Wraps an iterable of known length, as a progress bar does: the slides that are predicted.
    embedding : callable, optional
        Makes a context around the embedding, which gives what is to be called with its `Progress`, or None.
    **options
        Those of `predict`: ``genes``, ``patients``, ``measured``, ``untrained``, ``ensemble``, ``batch_size``.

    Returns
    -------
    PredictionRun
        Slides that could not be tiled or embedded are among the failed, tiles that were left out in the flow.

    Raises
    ------
    InputError
        If an argument or the weights cannot be used, or no slide could be predicted; no predictions are written.
    """
    seed = tiling.seed
    check_options(output, options.get("ensemble", "held-out"), jobs=tiling.jobs or 1, seed=seed)
    paths = find_slides([slides] if isinstance(slides, str | Path) else slides, twins=True)
    tables = [options.get(name) for name in ("genes", "patients", "measured")]
    given = [item for item in (*tables, tiling.mpp_table, tiling.annotation) if isinstance(item, str | Path)]
    refuse_existing(output, force=force, inputs=[*paths, *given])
    loaded = weights if isinstance(weights, Weights) else load_weights(weights)
    needs = needs_of(loaded, encoder, seed)
    _refuse_early(paths, loaded, encoder, seed, options)
    maker = _encoder(encoder or needs.encoder, needs, device)
    with _features_folder(Path(output), keep) as folder:
        with embedding() as show:
            run = embed_folder(
                paths, folder, replace(tiling, rule=tiling.rule or _seen_rule(loaded)), encoder=maker, force=force,
                keep_same=True, progress=show,
            )  # fmt: skip
        before = _before(run)
        files = [folder / f"{slide.name}.h5" for slide in run.slides if slide.state == "done"]
        if not files:
            raise InputError(_none(before.failed), where=before.failed[0].file)
        return predict(
            files, loaded, output=output, encoder=encoder, device=device, jobs=tiling.jobs or 1, seed=seed, force=force,
            progress=progress, before=before, **options,
        )  # fmt: skip


def predict_any(
    inputs: Iterable[str | Path],
    weights: Weights | str | Path,
    *,
    tiling: Mapping[str, Any],
    keep: bool = True,
    jobs: int | None = None,
    seed: int = 0,
    embedding: Embedding = nullcontext,
    **options: Any,
) -> PredictionRun:
    """Predict slides or features, whichever are given.

    Parameters
    ----------
    inputs : iterable of path
        Slides or feature files, or folders of either.
    weights : Weights, str or path
    tiling : mapping
        Fields of `TileOptions` that the user gave.
    keep : bool, default True
    jobs : int, optional
    seed : int, default 0
    embedding : callable, optional
    **options
        Those that `predict_slides` and `predict` share.

    Returns
    -------
    PredictionRun

    Raises
    ------
    InputError
        As both do, and where tiles are spoken of and features are given.
    """
    slides, features = split_inputs(inputs)
    if slides:
        chosen = TileOptions(**tiling, seed=seed, jobs=jobs)
        return predict_slides(slides, weights, tiling=chosen, keep=keep, embedding=embedding, **options)
    if tiling or not keep:
        names = [_OPTIONS.get(name, f"--{name.replace('_', '-')}") for name in tiling]
        raise InputError(
            f"{listing(names + ['--no-keep'] * (not keep))}: tiles are chosen from slides, and features are given",
            where=listing(features, 2),
            fix="leave it out",
        )
    return predict(features, weights, jobs=jobs or 1, seed=seed, **options)


def split_inputs(paths: Iterable[str | Path]) -> tuple[list[Path], list[Path]]:
    """Tell slides and folders of slides from feature files and folders of these.

    Parameters
    ----------
    paths : iterable of path

    Returns
    -------
    slides, features : list of Path

    Raises
    ------
    InputError
        If a folder holds both, or slides and feature files were given together.
    """
    slides: list[Path] = []
    features: list[Path] = []
    for path in map(Path, paths):
        (slides if _holds_slides(path) else features).append(path)
    if slides and features:
        raise InputError(
            "slides and features were given together",
            where=f"{listing(slides, 2)}; {listing(features, 2)}",
            fix="embed the slides, and give all features; or predict them apart",
        )
    return slides, features


def _holds_slides(path: Path) -> bool:
    if is_slide(path) or not path.is_dir():
        return is_slide(path)
    if (path / RUNS_FOLDER).is_dir() or not _succeeds(find_slides, path):
        return False
    ours = [folder.parent for folder in path.rglob(RUNS_FOLDER)]
    features = find(path) if _succeeds(find, path) else []
    if any(not any(file.is_relative_to(folder) for folder in ours) for file in features):
        raise InputError(
            "the folder holds slides and feature files", where=str(path), fix="give those that are meant"
        )
    return True


def _succeeds(search: Callable[[Path], list[Path]], folder: Path) -> bool:
    """Whether there is something to be found; a fault in it is told when it is searched in earnest."""
    try:
        return bool(search(folder))
    except InputError:
        return False


def _refuse_early(paths: list[Path], weights: Weights, encoder: str | None, seed: int, options: dict) -> None:
    """Find what is wrong with weights, genes, patients and measured expression before hours of embedding."""
    named = {name: options[name] for name in ("genes", "patients", "measured", "ensemble") if name in options}
    each = {bare_slide(path.name): path for path in paths}  # of several with one name, one: they fail later
    make_plan(list(each.values()), weights, encoder=encoder, seed=seed, **named)


def _encoder(name: str, needs: Needs, device: str) -> Encoder:
    encoder = get_encoder(name, device=device)
    if encoder.card.dimension != needs.input_dim:
        raise InputError(
            f"{needs.encoder} makes {encoder.card.dimension} features, and the networks take {needs.input_dim}",
            fix="give weights that were trained on its features",
        )
    return encoder


def _seen_rule(weights: Weights) -> str:
    """The rule that chose the tiles which the weights were trained on."""
    return "paper" if weights.cancer is None else "published-code"


@contextmanager
def _features_folder(output: Path, keep: bool) -> Iterator[Path]:
    """Where features go: beside the output, to stay or not."""
    if keep:
        yield output.with_name(f"{output.stem}_features")
        return
    with tempfile.TemporaryDirectory(prefix=f".{output.stem}-", dir=output.parent) as folder:
        yield Path(folder)


def _before(run: FolderRun) -> Before:
    """What was lost on the way to features, in the words of a prediction run."""
    failed = tuple(
        Failure(slide.name, slide.file, slide.failure.reason) for slide in run.failed if slide.failure
    )
    flow = []
    if failed:
        names = listing((failure.slide for failure in failed), 3)
        n = len(run.slides)
        flow.append(("slides: embedded", n, n - len(failed), f"{len(failed)} failed: {names}"))
    tiles = sum(slide.tiles or 0 for slide in run.slides if slide.state == "done")
    lost = {reason: n for reason, n in run.left_out.items() if n}
    if lost:
        reasons = ", ".join(f"{n:,} {reason}" for reason, n in lost.items())
        flow.append(("tiles", tiles + sum(lost.values()), tiles, reasons))
    return Before(failed, tuple(flow))


def _none(failed: tuple[Failure, ...]) -> str:
    which = "the slide could not" if len(failed) == 1 else f"none of the {len(failed)} slides could"
    return f"{which} be embedded: {failed[0].reason}"
