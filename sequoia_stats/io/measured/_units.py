"""Units of measured expression: which are logarithms, how others become one, and which values they exclude."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.flow import Flow
from sequoia_stats.errors import InputError, counted

#: Measures of abundance, and the largest value that each can have. Values of FPKM-UQ from before 2021 are some 10^5
#: times those of today; a TPM or CPM is a share of a million.
_LARGEST = {
    "FPKM-UQ": 1e12, "FPKM": 1e9, "RPKM": 1e9, "TPM": 1e6, "CPM": 1e6, "RSEM": 1e9, "counts": 1e10,
}  # fmt: skip
_BY_PLAIN_NAME = {re.sub(r"\W", "", name).lower(): name for name in _LARGEST}
_LOG = re.compile(r"log_?2\s*\(\s*(.+?)\s*\+\s*(\d*\.?\d+)\s*\)", re.IGNORECASE)
#: Scales that are neither an abundance nor log2(abundance + x), and are kept as they are.
_AS_IT_IS = re.compile(r"(?!log_?2\s*\(.*\+)(log|z-?scores?\b).*", re.IGNORECASE)
#: Values are rounded, so the logarithm of 0.001 and the sum of a million may be passed by a little, and 0 by less.
_TOLERANCE, _BELOW_0 = 1e-3, 1e-6
#: Abundances of this many genes and more, none of which reaches this, look like logarithms.
_MANY_GENES, _LOW = 1000, 30.0
UNIT_CHOICES = (
    f"{', '.join(_LARGEST)}, the logarithm of one such as 'log2(TPM+1)', "
    "or words that begin with log or z-score"
)


@dataclass(frozen=True)
class Unit:
    """A unit of expression.

    Parameters
    ----------
    name : str
        "FPKM-UQ", "log2(FPKM-UQ+1)", "z-score".
    measure : str
        The measure of abundance; "" for a scale that is kept as it is.
    offset : float, optional
        What was added before log2 was taken; None if values are abundances themselves.
    """

    name: str
    measure: str = ""
    offset: float | None = None

    @property
    def is_abundance(self) -> bool:
        """Whether values are abundances, of which no logarithm was taken."""
        return bool(self.measure) and self.offset is None

    @property
    def of_output(self) -> str:
        """The unit after `to_log`."""
        if self.measure == "counts":
            return "log2(CPM+1)"
        return f"log2({self.measure}+1)" if self.is_abundance else self.name

    def abundance(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values without the logarithm."""
        return values if self.offset is None else np.maximum(np.exp2(values) - self.offset, 0.0)

    def total(self, block: NDArray[np.float64]) -> NDArray[np.float64]:
        """One value per row for several ids of a gene: the sum of their abundances; the mean on a scale of its own.

        A sum does not depend on other samples, as the choice of the largest would. The published reference file agrees:
        its values are log2(x + 1) of numbers with four decimals, as files of the GDC hold and a mean would not.
        """
        if not self.measure:
            return block.mean(axis=1)
        total = self.abundance(block).sum(axis=1)
        return total if self.offset is None else np.log2(total + self.offset)

    def totals(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The sum of the counts of each sample; 1 for other units, which need no sum."""
        return np.nansum(self.abundance(values), axis=1) if self.measure == "counts" else np.ones(len(values))

    def to_log(self, values: NDArray[np.float64], totals: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values as `of_output` says.

        Parameters
        ----------
        values : array of shape (samples, genes)
            Values in this unit.
        totals : array of shape (samples,)
            As from `totals` of all genes that the source has.
        """
        if self.measure == "counts":
            values = self.abundance(values) * (1e6 / totals[:, None])
        elif not self.is_abundance:
            return values
        more = values + 1.0
        return np.log2(more, out=more)


def parse_unit(text: str) -> Unit:
    """A unit from its name, however its letters and hyphens are written.

    Raises
    ------
    InputError
        If it is not known.

    Examples
    --------
    >>> parse_unit("fpkm_uq"), parse_unit("log2(TPM + 0.001)").offset
    (Unit(name='FPKM-UQ', measure='FPKM-UQ', offset=None), 0.001)
    """
    text = text.strip()
    if (measure := _measure(text)) is not None:
        return Unit(measure, measure)
    found = _LOG.fullmatch(text)
    if found and (measure := _measure(found[1])) is not None:
        return Unit(f"log2({measure}+{found[2]})", measure, float(found[2]))
    if _AS_IT_IS.fullmatch(text):
        return Unit(text)
    raise InputError(f"{text!r} is not a unit that is known", fix=f"--unit: {UNIT_CHOICES}")


def _measure(text: str) -> str | None:
    return _BY_PLAIN_NAME.get(re.sub(r"[\W_]", "", text).lower())


def refuse_contradiction(values: pd.DataFrame, unit: Unit, where: str) -> None:
    """Refuse values that the unit cannot have.

    Parameters
    ----------
    values : DataFrame of shape (samples, genes)
        NaN where missing.
    unit : Unit
        Their unit.
    where : str
        The source, for the error.

    Raises
    ------
    InputError
        If an abundance is negative, a logarithm below that of the offset, a value larger than the unit allows, or the
        TPM or CPM of a sample exceed a million.
    """
    if not unit.measure:
        return
    least, most = 0.0, _LARGEST[unit.measure]
    if unit.offset is not None:
        least = np.log2(unit.offset) if unit.offset else -np.inf
        most = np.log2(most + unit.offset)
    array = values.to_numpy()
    for bad, words in (
        (array < least - (_TOLERANCE if least else _BELOW_0), f"below {least:.4g}, the least that it can be"),
        (array > most * (1 + _TOLERANCE), f"above {most:.4g}, the most that it can be"),
    ):
        if bad.any():
            row, column = np.argwhere(bad)[0]
            n = int(bad.sum())
            raise InputError(
                f"the unit is said to be {unit.name}, but {counted(n, 'value is', 'values are')} {words}",
                where=f"{where}, first {values.index[row]}, {values.columns[column]}: {array[row, column]:.6g}",
                fix=f"say which unit it is: --unit {UNIT_CHOICES}",
            )
    if unit.measure in ("TPM", "CPM") and unit.is_abundance:
        totals = np.nansum(array, axis=1)
        over = np.flatnonzero(totals > 1e6 * (1 + _TOLERANCE))
        if len(over):
            raise InputError(
                f"the unit is said to be {unit.name}, but the values of "
                f"{counted(len(over), 'sample')} add up to more than a million",
                where=f"{where}, first {values.index[over[0]]}: {totals[over[0]]:,.0f}",
                fix=f"say which unit it is: --unit {UNIT_CHOICES}",
            )


def note_unit(values: NDArray[np.float64], unit: Unit, flow: Flow) -> None:
    """Add a line to the ledger for what becomes of the values, with a doubt if they look like logarithms."""
    n = values.shape[1]
    reason = f"{unit.name} is kept, no logarithm is taken"
    if unit.measure == "counts":
        reason = f"{unit.name} → {unit.of_output}; a million is the sum of all genes of the source"
    elif unit.is_abundance:
        reason = f"{unit.name} → {unit.of_output}"
        most = np.nanmax(values, initial=0.0)
        if n >= _MANY_GENES and most < _LOW:
            reason += (
                f"; no value exceeds {most:.4g}: if these are logarithms, say --unit 'log2({unit.measure}+1)'"
            )
    flow.add("genes: unit", n, n, reason)
