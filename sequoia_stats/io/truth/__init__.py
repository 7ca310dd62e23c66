"""Readers of spatial transcriptomics: counts on spots, with their places on the slide.

`read_truth` recognises a source by the table `TRUTH_READERS`. A format is a module with ``recognises(path)``, which
looks at names only, a reader that returns a `Section`, and its options; a line in the table does the rest. Scale and
axes are settled for all formats in one place, `_section.settle`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sequoia_stats.errors import InputError
from sequoia_stats.io._options import Option
from sequoia_stats.io._readers import Reader, reader_of, refuse_foreign
from sequoia_stats.io.truth import adata, hest, spatial_transcriptomics, visium
from sequoia_stats.io.truth._images import image_facts
from sequoia_stats.io.truth._programmes import programmes_beside, with_programmes
from sequoia_stats.io.truth._section import Section, settle
from sequoia_stats.types.spatial_truth import SpatialTruth

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["TRUTH_OPTIONS", "TRUTH_READERS", "read_truth"]

#: The options of every format.
TRUTH_OPTIONS = (
    Option("mpp", "µm per pixel of the full-resolution image; settles what is contradictory.", float),
    Option(
        "image", "The full-resolution image: its size, and the scale that its tag states, are checked.", Path
    ),
    Option(
        "programmes", "A table of scores measured on the spots, besides the counts or in their place.", Path
    ),
)
#: The formats, the particular before the general.
TRUTH_READERS = {
    "st": Reader(
        spatial_transcriptomics.recognises,
        spatial_transcriptomics.read_spatial_transcriptomics,
        "a table of counts of Spatial Transcriptomics",
        spatial_transcriptomics.ST_OPTIONS,
    ),
    "visium": Reader(visium.recognises, visium.read_visium, "a folder of Space Ranger (Visium)"),
    "hest": Reader(hest.recognises, hest.read_hest, "a section of HEST-1k (.h5ad)", hest.HEST_OPTIONS),
    "anndata": Reader(
        adata.recognises, adata.read_adata_truth, "an AnnData with coordinates (.h5ad)", adata.ANNDATA_OPTIONS
    ),
}
_IN_MEMORY = Reader(lambda _: True, adata.section_of, "an AnnData", adata.ANNDATA_OPTIONS)


def read_truth(
    source: str | Path | AnnData,
    *,
    format: str = "auto",
    mpp: float | None = None,
    swap_xy: bool | None = None,
    image: str | Path | None = None,
    programmes: str | Path | None = None,
    **options: Any,
) -> SpatialTruth:
    """Read what was measured on the spots of a section.

    Parameters
    ----------
    source : path or AnnData
        A table of counts of Spatial Transcriptomics, a folder of Space Ranger, a section of HEST-1k, or an h5ad file
        with coordinates.
    format : {"auto", "st", "visium", "hest", "anndata"}
        How to read it; "auto" recognises it by its name.
    mpp : float, optional
        µm per pixel of the full-resolution image; settles what is contradictory.
    swap_xy : bool, optional
        Whether x and y are swapped in the file. None: refused if they seem to be; False: they stay as they are.
    image : path, optional
        The full-resolution image, of which the header is read: spots must be on it, and the scale that its tag states
        must not contradict others.
    programmes : path, optional
        A table of scores measured on the spots. By default ``programmes.csv`` or ``programmes.csv.gz`` in a
        folder of Space Ranger, if it is there.
    **options
        Options of the format (`TRUTH_READERS`). None counts as not given.

    Returns
    -------
    SpatialTruth

    Raises
    ------
    InputError
        If the source is not recognised, an option is not one of its format, it cannot be read, its scale is unknown or
        contradictory, its axes seem to be swapped, or too many spots are off the image.
    """
    path = Path(source) if isinstance(source, str | Path) else None
    if path is None and format not in ("auto", "anndata"):
        raise InputError(
            f"--format {format} is for files, not for objects in memory", fix="leave it out, or give the file"
        )
    reader = _IN_MEMORY if path is None else reader_of(path, format, TRUTH_READERS)
    given = {name: value for name, value in options.items() if value is not None}
    for name in given:
        refuse_foreign(name, reader, TRUTH_READERS, str(path or "AnnData"))
    section = reader.read(source if path is None else path, **given)
    if table := programmes or (None if path is None else programmes_beside(path)):
        section = with_programmes(section, table)
    if image is not None:
        section = _with_image(section, image)
    return settle(section, mpp=mpp, swap_xy=swap_xy)


def _with_image(section: Section, image: str | Path) -> Section:
    """The section with the size of its image, and with the scale of the image's tag."""
    facts, known = image_facts(image), section.image_size
    if known is not None and (np.abs(np.divide(facts.size, known) - 1) > 0.01).any():
        raise InputError(
            f"the image is another one: it is of {facts.size[0]:,} × {facts.size[1]:,} pixels, "
            f"that of the spots of {known[0]:,} × {known[1]:,}",
            where=f"{image} and {section.where}",
            fix="give the full-resolution image on which the spots were found",
        )
    tag = {"the image's tag": facts.mpp} if facts.mpp else {}
    return replace(section, image_size=facts.size, scales={**section.scales, **tag})
