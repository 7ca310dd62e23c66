"""Numbers and names as they stand in figures, captions and tables."""

from __future__ import annotations

import math

#: Endpoints whose abbreviation is common enough to be spelled out.
ENDPOINTS = {
    "OS": "Overall survival",
    "DSS": "Disease-specific survival",
    "PFI": "Progression-free interval",
    "PFS": "Progression-free survival",
    "DFI": "Disease-free interval",
    "DFS": "Disease-free survival",
    "RFS": "Relapse-free survival",
    "DRFS": "Distant relapse-free survival",
}
#: What stands where a number is undefined.
MISSING = "–"
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def endpoint_name(endpoint: str) -> str:
    """The endpoint spelled out, its abbreviation behind; words that are not known stay as they are.

    Examples
    --------
    >>> endpoint_name("PFI")
    'Progression-free interval (PFI)'
    """
    name = ENDPOINTS.get(endpoint)
    return f"{name} ({endpoint})" if name else endpoint


def number(value: float | None, digits: int = 2) -> str:
    """A number with a fixed count of decimals; a true minus sign; a dash where undefined."""
    if value is None or not math.isfinite(value):
        return MISSING
    return f"{value:.{digits}f}".replace("-", "−")


def p_value(p: float | None) -> str:
    """A p-value to two significant digits.

    Examples
    --------
    >>> p_value(0.0314), p_value(4.56e-7), p_value(None)
    ('0.031', '4.6 × 10⁻⁷', '–')
    """
    if p is None or not math.isfinite(p):
        return MISSING
    if p == 0:
        return "< 10⁻³⁰⁷"
    if p >= 1e-4:
        return f"{p:#.2g}"
    mantissa, exponent = f"{p:.1e}".split("e")
    return f"{mantissa} × 10{str(int(exponent)).translate(_SUPERSCRIPT)}"


def p_statement(p: float | None) -> str:
    """``p = 0.031``, or ``p not defined``."""
    text = p_value(p)
    if text == MISSING:
        return "p not defined"
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def estimate(value: float | None, low: float | None, high: float | None, digits: int = 2) -> str:
    """An estimate with its interval; without one where the interval is undefined.

    Examples
    --------
    >>> estimate(1.184, 1.1, 1.25), estimate(1.0, None, None)
    ('1.18 (1.10–1.25)', '1.00')
    """
    ends = number(low, digits), number(high, digits)
    return number(value, digits) if MISSING in ends else f"{number(value, digits)} ({ends[0]}–{ends[1]})"


def count(n: int, singular: str, plural: str = "") -> str:
    """A count with its noun.

    Examples
    --------
    >>> count(1, "gene"), count(14, "gene")
    ('1 gene', '14 genes')
    """
    return f"{n:,} {singular if n == 1 else plural or singular + 's'}"
