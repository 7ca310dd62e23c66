"""Numbers and names as they stand in figures, captions and tables."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable

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
#: How names of sets begin, and the collection that this means; other beginnings are part of the name.
COLLECTIONS = {
    "HALLMARK": "Hallmark",
    "GOBP": "GO",
    "GO": "GO",
    "KEGG_MEDICUS": "KEGG Medicus",
    "KEGG": "KEGG",
    "REACTOME": "Reactome",
}
_SET_NAME = re.compile(rf"(?:({'|'.join(COLLECTIONS)})_)?([A-Z0-9]+(?:_[A-Z0-9]+)+|(?<=_)[A-Z0-9]+)")
#: Words of set names that are not written in small letters.
_SPELLED = {"P53": "p53", "MRNA": "mRNA", "RRNA": "rRNA", "TRNA": "tRNA", "NCRNA": "ncRNA", "CAMP": "cAMP"}
_SPELLED |= {
    "DN": "down",
    "TNFA": "TNFα",
    "NFKB": "NF-κB",
    "GTPASE": "GTPase",
    "ATPASE": "ATPase",
    "VIA": "via",
}
_SPELLED |= {"IGA": "IgA", "CAMS": "CAMs"}
_CAPITALS = {
    *(
        "ABC",
        "AKT",
        "AMP",
        "ATP",
        "B",
        "BCR",
        "DNA",
        "ECM",
        "EGFR",
        "ER",
        "ERBB",
        "FC",
        "GTP",
        "HIV",
        "II",
        "III",
    ),
    *("IL", "IV", "JAK", "KRAS", "MAPK", "MHC", "MTOR", "MYC", "NADH", "NK", "NOD", "RAS", "RIG", "RNA"),
    *("SNRNA", "STAT", "T", "TCA", "TCF", "TCR", "TGF", "TNF", "TP", "UV", "VEGF", "WNT"),
}
#: What gives way first in a name that is too long.
_SHORTER = (
    ("ositive regulation of", "os. reg. of"),
    ("egative regulation of", "eg. reg. of"),
    ("egulation of", "eg. of"),
    ("signaling pathway", "signaling"),
)
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
    """A label for each set, no two alike: words, cut in the middle where too long.

    Parameters
    ----------
    names : iterable of str
        Names of sets, as in their file; repeats are one.
    longest : int, optional
        Letters of a label at most; those that the cut would make the same are cut later.

    Returns
    -------
    dict
        Name to label, in the order given. Two sets whose words are the same keep their collection ("Cell cycle
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
    """A label of at most so many letters: words in the middle give way, since names differ at their ends.

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
    """Replace labels that stand more than once by their longer form."""
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
