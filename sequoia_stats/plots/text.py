"""Numbers and names as they are written in figures, captions and tables."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable

#: Common abbreviations of endpoints, spelled out.
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
#: What is written if a number is undefined.
DASH = "–"
#: Prefixes of set names, and their collections; any other prefix is part of the name.
COLLECTIONS = {
    "HALLMARK": "Hallmark",
    "GOBP": "GO",
    "GO": "GO",
    "KEGG_MEDICUS": "KEGG Medicus",
    "KEGG": "KEGG",
    "REACTOME": "Reactome",
}
_SET_NAME = re.compile(rf"(?:({'|'.join(COLLECTIONS)})_)?([A-Z0-9]+(?:_[A-Z0-9]+)+|(?<=_)[A-Z0-9]+)")
#: Words of set names with a spelling of their own.
_SPELLED = {
    word.upper(): word
    for word in (
        *(
            "ATPase",
            "CAMs",
            "cAMP",
            "cGMP",
            "CoA",
            "dATP",
            "dsRNA",
            "GnRH",
            "Golgi",
            "GTPase",
            "IgA",
            "IgE",
            "IgG",
        ),
        *(
            "IgM",
            "kappaB",
            "lncRNA",
            "miRNA",
            "mRNA",
            "mTOR",
            "mTORC1",
            "ncRNA",
            "Notch",
            "p53",
            "pH",
            "piRNA",
            "Rab",
        ),
        *("Rac", "Rap", "rDNA", "Rho", "rRNA", "siRNA", "snoRNA", "snRNA", "snRNP", "tRNA", "via"),
    )
} | {"DN": "down", "TNFA": "TNFα", "NFKB": "NF-κB"}
#: Words of set names that are written in capitals.
_CAPITALS = {
    "ABC", "ADP", "AKT", "ALS", "AMP", "AMPA", "AP", "ARF", "ARVC", "ATP", "AV", "B", "BCR", "BMP", "C", "CDP",
    "COPI", "CREB", "D", "DNA", "E", "ECM", "EGFR", "ER", "ERAD", "ERBB", "ETS", "FC", "G", "GDP", "GMP", "GPI",
    "GTP", "H", "HCM", "HIV", "I", "II", "III", "IL", "IMP", "IRES", "IV", "IX", "J", "JAK", "JNK", "JNKK", "K",
    "KRAS", "L", "LSU", "M", "MAP", "MAPK", "MDA", "MHC", "MYC", "N", "NAD", "NADH", "NADP", "NF", "NIK", "NK",
    "NLS", "NMDA", "NOD", "O", "P", "PERK", "PML", "PPAR", "R", "RAS", "REM", "RIG", "RISC", "RNA", "S", "SCF",
    "SMAD", "SNARE", "SRP", "SSU", "STAT", "T", "TAP", "TCA", "TCF", "TCR", "TGF", "TNF", "TOR", "TP", "TRK", "UDP",
    "UTP", "UTR", "UV", "V", "VEGF", "WNT", "X",
}  # fmt: skip
#: Abbreviations that are tried first in a name that is too long.
_SHORTER = (
    ("ositive regulation of", "os. reg. of"),
    ("egative regulation of", "eg. reg. of"),
    ("egulation of", "eg. of"),
    ("signaling pathway", "signaling"),
)
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def endpoint_name(endpoint: str) -> str:
    """The endpoint spelled out, followed by its abbreviation; unknown names stay as they are.

    Examples
    --------
    >>> endpoint_name("PFI")
    'Progression-free interval (PFI)'
    """
    name = ENDPOINTS.get(endpoint)
    return f"{name} ({endpoint})" if name else endpoint


def number(value: float | None, digits: int = 2) -> str:
    """A number with a fixed number of decimals and a true minus sign; a power of ten from a million on.

    A dash if it is undefined.
    """
    if value is None or not math.isfinite(value):
        return DASH
    if abs(value) >= 1e6:
        return _power(value).replace("-", "−")
    return f"{value:.{digits}f}".replace("-", "−")


def _power(value: float) -> str:
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa} × 10{str(int(exponent)).translate(_SUPERSCRIPT)}"


def p_value(p: float | None) -> str:
    """A p-value to two significant digits.

    Examples
    --------
    >>> p_value(0.0314), p_value(4.56e-7), p_value(None)
    ('0.031', '4.6 × 10⁻⁷', '–')
    """
    if p is None or not math.isfinite(p):
        return DASH
    if p == 0:
        return "< 10⁻³⁰⁷"
    if p >= 1e-4:
        return f"{p:#.2g}"
    return _power(p)


def p_statement(p: float | None) -> str:
    """``p = 0.031``, or ``p not defined``."""
    text = p_value(p)
    if text == DASH:
        return "p not defined"
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def estimate(value: float | None, low: float | None, high: float | None, digits: int = 2) -> str:
    """An estimate with its interval, if that is defined; words if the interval has no end.

    Examples
    --------
    >>> estimate(1.184, 1.1, 1.25), estimate(1.0, None, None), estimate(8.6e7, 0.0, math.inf)
    ('1.18 (1.10–1.25)', '1.00', 'without a finite estimate')
    """
    if high == math.inf:
        return "without a finite estimate"
    ends = number(low, digits), number(high, digits)
    return number(value, digits) if DASH in ends else f"{number(value, digits)} ({ends[0]}–{ends[1]})"


def difference(value: float | None, low: float | None, high: float | None, digits: int = 2) -> str:
    """A difference with its sign, and its interval if that is defined.

    Examples
    --------
    >>> difference(0.048, -0.01, 0.11), difference(-0.2, None, None)
    ('+0.05 (−0.01 to +0.11)', '−0.20')
    """
    signed, start, end = (
        number(each, digits) if each is None or not each > 0 else f"+{number(each, digits)}"
        for each in (value, low, high)
    )
    return signed if DASH in (start, end) else f"{signed} ({start} to {end})"


def set_name(name: str) -> str:
    """The name of a gene set as words, without the prefix of its collection; other names stay as they are.

    Examples
    --------
    >>> set_name("HALLMARK_E2F_TARGETS"), set_name("GO_DNA_REPAIR"), set_name("My set")
    ('E2F targets', 'DNA repair', 'My set')
    """
    found = _SET_NAME.fullmatch(name)
    if found is None:
        return name
    words = [_word(word) for word in found[2].split("_")]
    first = words[0].capitalize() if words[0].isalpha() and words[0].islower() else words[0]
    return " ".join([first, *words[1:]])


def set_names(names: Iterable[str], *, longest: int = 48) -> dict[str, str]:
    """A unique label for each set: its name in words, shortened in the middle if too long.

    Parameters
    ----------
    names : iterable of str
        Names of sets, as in their file; duplicates are taken once.
    longest : int, optional
        Largest number of characters of a label. Labels that would become equal are shortened less.

    Returns
    -------
    dict
        Label of each name, in the same order. Two sets with the same words also get their collection ("Cell cycle
        (KEGG)").

    Examples
    --------
    >>> set_names(["KEGG_CELL_CYCLE", "GO_CELL_CYCLE"])
    {'KEGG_CELL_CYCLE': 'Cell cycle (KEGG)', 'GO_CELL_CYCLE': 'Cell cycle (GO)'}
    """
    unique = list(dict.fromkeys(names))
    words = {name: set_name(name) for name in unique}
    words = _told_apart(words, {name: f"{words[name]} ({_collection(name)})" for name in unique})
    words = _told_apart(words, {name: name for name in unique})
    labels = {name: shortened(label, longest) for name, label in words.items()}
    for more in range(4, max(map(len, words.values()), default=0), 4):
        labels = _told_apart(
            labels, {name: shortened(label, longest + more) for name, label in words.items()}
        )
    return _told_apart(labels, words)


def shortened(label: str, longest: int) -> str:
    """A label of limited length: words in the middle are dropped, since names differ at their ends.

    Examples
    --------
    >>> shortened("Positive regulation of the response to stress", 36)
    'Pos. reg. of the response to stress'
    >>> shortened("Positive regulation of the response to stress", 28)
    'Pos. reg. … to stress'
    """
    if len(label) <= longest:
        return label
    for phrase, short in _SHORTER:
        label = label.replace(phrase, short)
    if len(label) <= longest:
        return label
    room = longest - 3
    head = label[: room // 2].rsplit(" ", 1)[0]
    tail = label[len(head) - room :].split(" ", 1)[-1]
    return f"{head} … {tail}"


def _told_apart(labels: dict[str, str], longer: dict[str, str]) -> dict[str, str]:
    """Replace duplicated labels by their longer forms."""
    counts = Counter(labels.values())
    return {name: longer[name] if counts[label] > 1 else label for name, label in labels.items()}


def _collection(name: str) -> str:
    found = _SET_NAME.fullmatch(name)
    return COLLECTIONS.get(found[1] or "", name) if found else name


def _word(word: str) -> str:
    if word in _SPELLED:
        return _SPELLED[word]
    has_digit, has_letter = any(map(str.isdigit, word)), any(map(str.isalpha, word))
    return word if word in _CAPITALS or (has_digit and has_letter) else word.lower()
