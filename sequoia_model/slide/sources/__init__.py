"""Readers of slide files: OpenSlide, TIFF tiles decoded directly, plain images."""
