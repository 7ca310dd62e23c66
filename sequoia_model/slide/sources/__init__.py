"""Sources of pixels: OpenSlide, TIFF tiles decoded directly, and plain images."""
