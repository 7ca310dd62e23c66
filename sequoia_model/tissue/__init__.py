"""Masks of tissue: found by colour as in the paper or the published code, or drawn as an annotation."""

from sequoia_model.tissue.annotation import read_annotation
from sequoia_model.tissue.mask import TissueMask
from sequoia_model.tissue.polygons import Polygon
from sequoia_model.tissue.published import published_mask
from sequoia_model.tissue.saturation import tissue_mask

__all__ = ["Polygon", "TissueMask", "published_mask", "read_annotation", "tissue_mask"]
