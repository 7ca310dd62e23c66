"""Units of expression and tiles."""

from __future__ import annotations

#: The unit in which the published networks predict.
EXPRESSION = "log2(FPKM-UQ+1)"
#: No value in that unit is larger: it would stand for an FPKM-UQ of a million millions.
_LARGEST = 40.0
#: Measured values in that unit are never below 0, and a network that learned them predicts their means. It falls below
#: 0 only by its error: for genes that are hardly expressed, and by little. Of scores around 0, half are below it.
_SMALLEST = -10.0
_MOST_BELOW_0 = 0.25
#: A measured value is below 0 by no more than this, which rounding may do.
_ROUNDING = 1e-6
#: The unit where nobody states it.
NOT_STATED = "not stated"
#: What networks of risk predict, which is no gene.
LOG_HAZARD = "log hazard"

#: Side of a tile in pixels, and its µm per pixel: a tile is 128 µm wide.
TILE_SIZE = 256
TILE_MPP = 0.5


def is_expression(units: str) -> bool:
    """Whether a unit is that of the published networks, however its letters and blanks are written."""
    return same_unit(units, EXPRESSION)


def same_unit(one: str, other: str) -> bool:
    """Whether two units are the same, however their letters and blanks are written.

    Examples
    --------
    >>> same_unit("log2(FPKM-UQ + 1)", "log2(fpkm-uq+1)"), same_unit("log2(FPKM-UQ+1)", "log2(TPM+1)")
    (True, False)
    """
    return _plain(one) == _plain(other)


def measured_contradiction(units: str, smallest: float, largest: float) -> str | None:
    """Why measured values cannot be in a unit.

    Parameters
    ----------
    units : str
        The unit that is stated.
    smallest, largest : float
        The range of the values.

    Returns
    -------
    str, optional
        What they do that this unit does not allow; None if they fit, or the unit is another one.
    """
    if not is_expression(units):
        return None
    if largest > _LARGEST:
        return f"measured values reach {largest:.3g}, which is not possible in {units}"
    if smallest < -_ROUNDING:
        return f"measured values fall to {smallest:.3g}, which is not possible in {units}"
    return None


def measured_doubt(units: str, smallest: float, largest: float, *, wrong: str, harm: str) -> str | None:
    """A warning about measured values that cannot be in their unit, or that no logarithm can have given.

    Parameters
    ----------
    units : str
        The unit that is stated.
    smallest, largest : float
        The range of the values.
    wrong : str
        What is wrong if the unit is not possible.
    harm : str
        What values without a logarithm would do.
    """
    doubt = measured_contradiction(units, smallest, largest)
    if doubt:
        return f"{doubt}: {wrong}"
    return (
        f"measured values reach {largest:.3g}, as without a logarithm: {harm}" if largest > _LARGEST else None
    )


def contradiction(units: str, smallest: float, largest: float, below_0: float) -> str | None:
    """Why predictions cannot be in a unit.

    Parameters
    ----------
    units : str
        The unit that is stated.
    smallest, largest : float
        The range of the predictions.
    below_0 : float
        Share of them that is below 0.

    Returns
    -------
    str, optional
        What they do that this unit does not allow; None if they fit, or the unit is another one.
    """
    if not is_expression(units):
        return None
    if largest > _LARGEST:
        return f"predictions reach {largest:.3g}, which is not possible in {units}"
    if smallest < _SMALLEST:
        return f"predictions fall to {smallest:.3g}, but no measured value in {units} is below 0"
    if below_0 > _MOST_BELOW_0:
        return f"{below_0:.0%} of the predictions are below 0, but no measured value in {units} is"
    return None


def _plain(units: str) -> str:
    return "".join(units.split()).lower()
