"""A folder of slides in, a folder of outputs out, filled by one process or several and resumed after any end."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from sequoia_model.embedding.batching import checked_batch_size, loaded_encoder
from sequoia_model.embedding.filling import Redo, fill
from sequoia_model.embedding.jobs import EmbedJob, TileJob
from sequoia_model.embedding.meter import Show
from sequoia_model.embedding.summary import FolderRun
from sequoia_model.errors import InputError, listing
from sequoia_model.slide import find_slides
from sequoia_model.tiles import TileOptions

if TYPE_CHECKING:
    from sequoia_model.encoders import Encoder

Paths = str | Path | Iterable[str | Path]


def tile_folder(
    slides: Paths,
    output: str | Path,
    options: TileOptions = TileOptions(),
    *,
    force: bool = False,
    progress: Show | None = None,
) -> FolderRun:
    """Choose the tiles of slides; writes ``NAME.h5``, ``NAME_mask.png``, ``NAME_overlay.png``, ``NAME.geojson``.

    Parameters
    ----------
    slides : path, or iterable of path
        Slides, and folders of them.
    output : path
        A folder, made where it is not there. Slides that are done in it are passed over, those that failed or were
        cut off are done again; other processes may work on it at the same time.
    options : TileOptions
        How tiles are chosen and read; its seed is also that of the clusters.
    force : bool, default False
        Do slides again that are done, but those that another process finished, with the same settings, since this
        run began.
    progress : callable, optional
        Called with a `Progress` at each step.

    Returns
    -------
    FolderRun
        With the reason of each slide that failed.

    Raises
    ------
    InputError
        If an option cannot be used, there are no slides, or the folder takes no files.
    """
    paths = _found(slides)
    options.check_slides(paths)
    return fill(paths, output, TileJob(options), "all" if force else "none", progress)


def embed_folder(
    slides: Paths,
    output: str | Path,
    options: TileOptions = TileOptions(),
    *,
    encoder: str | Encoder = "lite0",
    device: str = "auto",
    batch_size: int | None = None,
    force: bool = False,
    keep_same: bool = False,
    progress: Show | None = None,
) -> FolderRun:
    """Compute the features of slides; writes ``NAME.h5`` with features, coords and cluster means.

    Parameters
    ----------
    slides : path, or iterable of path
        Slides, and folders of them.
    output : path
        A folder, made where it is not there. Slides that are done in it are passed over, those that failed or were
        cut off are done again; other processes may work on it at the same time.
    encoder : str or Encoder
        A name as `get_encoder` takes it, or what that returned.
    device : str
        auto, cpu, cuda, cuda:N or mps; of an encoder that is given by name.
    batch_size : int, optional
        Tiles of a pass through the encoder; the last digits may depend on it. As the encoder says by default.
    options : TileOptions
        How tiles are chosen and read; its seed is also that of the clusters.
    force : bool, default False
        Do slides again that are done, but those that another process finished, with the same settings, since this
        run began.
    keep_same : bool, default False
        Whether `force` spares slides that were done with the same settings.
    progress : callable, optional
        Called with a `Progress` at each step.

    Returns
    -------
    FolderRun
        With the reason of each slide that failed.

    Raises
    ------
    InputError
        If an option cannot be used, the encoder cannot be had, there are no slides, or the folder takes no files.
    """
    paths = _found(slides)
    options.check_slides(paths)
    loaded = loaded_encoder(encoder, device)
    job = EmbedJob(options, loaded, checked_batch_size(batch_size, loaded))
    redo: Redo = ("other" if keep_same else "all") if force else "none"
    return fill(paths, output, job, redo, progress)


def _found(slides: Paths) -> list[Path]:
    given = [Path(path) for path in ([slides] if isinstance(slides, str | Path) else slides)]
    if not any(os.path.exists(path) for path in given):  # before a folder is made for nothing
        raise InputError("there is no such file or folder", where=listing(given, 3))
    return find_slides(given, twins=True)
