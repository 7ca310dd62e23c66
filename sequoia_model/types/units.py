"""Units of expression and tiles."""

#: The unit in which the published networks predict.
EXPRESSION = "log2(FPKM-UQ+1)"
#: No value in that unit is larger: it would stand for an FPKM-UQ of a million millions.
_LARGEST_EXPRESSION = 40.0
#: The unit where nobody states it.
NOT_STATED = "not stated"

#: Side of a tile in pixels, and its µm per pixel: a tile is 128 µm wide.
TILE_SIZE = 256
TILE_MPP = 0.5


def is_possible(units: str, largest: float) -> bool:
    """Whether expression in a unit can be as large as this."""
    return units != EXPRESSION or largest <= _LARGEST_EXPRESSION
