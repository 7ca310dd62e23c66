"""Units of expression and tiles."""

#: The unit of predicted expression, which measured expression must also have.
EXPRESSION = "log2(FPKM-UQ+1)"

#: Side of a tile in pixels, and its µm per pixel: a tile is 128 µm wide.
TILE_SIZE = 256
TILE_MPP = 0.5
