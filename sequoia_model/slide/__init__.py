"""Whole-slide images: opened with their resolution, found in folders, and read square by square."""

from __future__ import annotations

from sequoia_model.slide.finding import (
    RUNS_FOLDER,
    SlideSearch,
    find_slides,
    read_mpp_table,
    search_slides,
)
from sequoia_model.slide.formats import SLIDE_SUFFIXES, is_slide, why_not_read
from sequoia_model.slide.resolution import Resolution
from sequoia_model.slide.slide import Slide, open_slide
from sequoia_model.slide.sources.levels import PyramidLevel

__all__ = [
    "RUNS_FOLDER",
    "SLIDE_SUFFIXES",
    "PyramidLevel",
    "Resolution",
    "Slide",
    "SlideSearch",
    "find_slides",
    "is_slide",
    "open_slide",
    "read_mpp_table",
    "search_slides",
    "why_not_read",
]
