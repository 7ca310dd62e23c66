"""The two rules by which tiles are chosen, and the tests of their pixels."""

from __future__ import annotations

from sequoia_model.tiles.contrast import is_flat
from sequoia_model.tiles.reading import Check, Pixels
from sequoia_model.tissue.published import holds_tissue

#: By the paper at least this share of a tile lies in the mask; by the published code more than this in its own.
LEAST_TISSUE = {"paper": 0.8, "published-code": 0.2}

BACKGROUND, OUTSIDE = "background", "outside the annotation"
LITTLE_TISSUE, LOW_CONTRAST, NOT_DRAWN = "little tissue", "low contrast", "not drawn"


def _paper(tile: Pixels) -> str:
    return LOW_CONTRAST if is_flat(tile) else ""


def _published(tile: Pixels) -> str:
    if not holds_tissue(tile, LEAST_TISSUE["published-code"]):
        return LITTLE_TISSUE
    return LOW_CONTRAST if is_flat(tile) else ""


#: The tests of a tile's pixels, by rule.
CHECKS: dict[str, Check] = {"paper": _paper, "published-code": _published}
#: What they leave tiles out for, in the order of the tests.
REASONS = {"paper": (LOW_CONTRAST,), "published-code": (LITTLE_TISSUE, LOW_CONTRAST)}
