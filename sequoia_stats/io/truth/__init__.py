"""Readers of spatial transcriptomics: counts on spots, with their places on the slide.

`read_truth` recognises a source by the table `TRUTH_READERS`. A format is a module with ``recognises(path)``, which
looks at names only, a reader that returns a `Section`, and its options; a line in the table does the rest. Scale and
axes are settled for all formats in one place, `_section.settle`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sequoia_stats.io._options import Option
from sequoia_stats.io._readers import Reader, reader_of, refuse_foreign
from sequoia_stats.io.truth import spatial_transcriptomics
from sequoia_stats.io.truth._section import settle
from sequoia_stats.types.spatial_truth import SpatialTruth

__all__ = ["TRUTH_OPTIONS", "TRUTH_READERS", "read_truth"]

#: The options of every format.
TRUTH_OPTIONS = (
    Option("mpp", "µm per pixel of the full-resolution image; settles what is contradictory.", float),
)
#: The formats, the particular before the general.
TRUTH_READERS = {
    "st": Reader(
        spatial_transcriptomics.recognises,
        spatial_transcriptomics.read_spatial_transcriptomics,
        "a table of counts of Spatial Transcriptomics",
        spatial_transcriptomics.ST_OPTIONS,
    ),
}


def read_truth(
    source: str | Path,
    *,
    format: str = "auto",
    mpp: float | None = None,
    swap_xy: bool | None = None,
    **options: Any,
) -> SpatialTruth:
    """Read what was measured on the spots of a section.

    Parameters
    ----------
    source : path
        A table of counts of Spatial Transcriptomics.
    format : {"auto", "st"}
        How to read it; "auto" recognises it by its name.
    mpp : float, optional
        µm per pixel of the full-resolution image; settles what is contradictory.
    swap_xy : bool, optional
        Whether x and y are swapped in the file. None: refused if they seem to be; False: they stay as they are.
    **options
        Options of the format (`TRUTH_READERS`). None counts as not given.

    Returns
    -------
    SpatialTruth

    Raises
    ------
    InputError
        If the source is not recognised, an option is not one of its format, it cannot be read, its scale is unknown or
        contradictory, its axes seem to be swapped, or a spot is off the image.
    """
    path = Path(source)
    reader = reader_of(path, format, TRUTH_READERS)
    given = {name: value for name, value in options.items() if value is not None}
    for name in given:
        refuse_foreign(name, reader, TRUTH_READERS, str(path))
    return settle(reader.read(path, **given), mpp=mpp, swap_xy=swap_xy)
