"""Units, by the one name that each has."""

#: What the networks predict, and what measured expression has to be in.
EXPRESSION = "log2(FPKM-UQ+1)"

#: Side of a tile in pixels, and µm per pixel at which tiles are read; a tile is 128 µm wide.
TILE_SIZE = 256
TILE_MPP = 0.5
