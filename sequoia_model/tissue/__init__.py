"""Masks of tissue: found by colour as in the paper or the published code, or drawn as an annotation; and of ink."""

from sequoia_model.tissue._drawn import is_class, listed
from sequoia_model.tissue.annotation import classes_of, read_annotation
from sequoia_model.tissue.ink import ink_mask
from sequoia_model.tissue.mask import TissueMask
from sequoia_model.tissue.polygons import Polygon
from sequoia_model.tissue.published import published_mask
from sequoia_model.tissue.saturation import tissue_and_ink, tissue_mask

__all__ = [
    "Polygon",
    "TissueMask",
    "classes_of",
    "ink_mask",
    "is_class",
    "listed",
    "published_mask",
    "read_annotation",
    "tissue_and_ink",
    "tissue_mask",
]
