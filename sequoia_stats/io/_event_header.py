"""What 1 means in an event column, by the words and the legend of its header; where they leave a doubt, it is said."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, NamedTuple

from sequoia_stats.io._event_words import ABSENCE, names_event, plain, tells_event

#: What a legend may say that is true of any header: "Recurrence (1=yes)", "Disease free (1=yes)".
_YES_NO = frozenset(["true", "yes", "y", "false", "no", "n"])
_CENSORING = re.compile(r"censor|censur|cnsr|zens[iu]|\bcens|cens\b")
_ONLY_CENSORING = re.compile(r"(?:(?:is|was|right) )*(?:censored|censoring|censorship)")
#: With "yes" and "no" alone as a legend, "free" anywhere leaves a doubt: "Relapse Free Status (1=yes)".
_FREE_OF_IT = re.compile(r"\bfree\b(?!.*\b(?:event|indicator)\b)")
#: A number that stands by itself; those that are codes of an event.
_CODE, _CODES = re.compile(r"(?<![^\W_])\d+"), ("0", "1")
_LINK = r"(?:is|are|was|if|means?|indicates?|denotes?|equals?|for|when|as)"


def _apart(found: re.Match[str]) -> str:
    """A word and the number at its end, apart if the number may be its code."""
    return found[0] if tells_event(found[1]) is None else f"{found[1]} {found[2]}"


#: How legends are written, and the one way that is read here: "1=dead" for "1→dead", "1 if dead", "dead is 1".
_SAME: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"[-=–—]+>|[→⇒➔➜]"), "="),
    (re.compile(r"\b([01])\.0\b"), r"\1"),
    (re.compile(r"\.[1-9]\d*$"), " "),  # pandas and R number columns of one name
    (re.compile(r"^x(?=[01](?:[._]|$))"), ""),  # R puts it before a digit
    (re.compile(r"[_.]"), " "),
    (re.compile(r"\b(?:day|week|month|year|visit|arm)s?\s*[01]\b"), " "),
    (re.compile(r"(?<=[^\W\d_])([01])(?=[^\W\d_])"), r" \1 "),  # "0dead1alive"
    (re.compile(r"\b([^\W\d_]{3,})([01])\b"), _apart),  # "dead1", but not "T0"
    (re.compile(rf"(?<=\d)\s+{_LINK}\s+"), "="),
    (re.compile(rf"\b{_LINK}\s+(?=[01]\b)"), "="),
    (re.compile(r"[(\[{]\s*([01])\s*[)\]}]"), r" \1 "),
    (re.compile(r"\b(?:otherwise|else)\s*[=:,]?\s*0\b(?!\s*\w)"), " "),
    (re.compile(r"\b0\s*[=:]?\s*(?:otherwise|else)\b(?!\W*1)"), " "),
    # no legend: "0/1", or codes behind all words; in "dead 0, 1 other" each has its own
    (re.compile(r"\b[01][-/][01]\b(?!\s*[=:])"), " "),
    (re.compile(r"\b[01]\s*(?:[-/,;|&\s]|\b(?:or|and|to)\b)\s*[01](?=\s*(?:[)\]}]|$))"), " "),
)
#: What separates the entries of a legend, the strongest first.
_SEPARATORS = [re.compile(sign) for sign in (r"[;|]", ",", "/", r"\b(?:vs|versus|and|or)\b")]


class _Legend(NamedTuple):
    """What a header says of codes, and its other words; `clear` if every code has a word that is understood."""

    pairs: list[tuple[str, str]]
    title: list[str]
    clear: bool


def one_means(header: str) -> Literal["event", "censored", "unclear"]:
    """What the code 1 means in a column, as far as its header says.

    Parameters
    ----------
    header : str
        Name of the column.

    Returns
    -------
    {"event", "censored", "unclear"}
        "censored" only if the header says nothing else. "unclear" if it speaks of censoring or of survivors beside
        something else, or has a legend that does not give 1 to the event. A legend of "yes" and "no" alone leaves the
        answer to the rest of the header.

    Examples
    --------
    >>> one_means("OS.event"), one_means("is_censored"), one_means("status (1=dead, 0=censored)")
    ('event', 'censored', 'unclear')
    >>> one_means("status (dead: 1, alive: 0)"), one_means("status (dead: 0, alive: 1)")
    ('event', 'unclear')
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header)
    words = plain(spaced)
    if _ONLY_CENSORING.fullmatch(words):
        return "censored"
    if words in ("uncensored", "noncensored"):
        return "event"
    if _CENSORING.search(words):
        return "unclear"
    legend = _legend(spaced.lower())
    if not legend.clear or any(tells_event(word) is not (code == "1") for code, word in legend.pairs):
        return "unclear"
    if not {word for _, word in legend.pairs} <= _YES_NO:  # it says what happened
        return "event"
    doubtful = ABSENCE.search(" ".join(legend.title) if legend.pairs else words)
    return "unclear" if doubtful or (legend.pairs and _FREE_OF_IT.search(words)) else "event"


def _legend(text: str) -> _Legend:
    bracketed = re.search(r"[(\[{]", text)
    for pattern, same in _SAME:
        text = pattern.sub(same, text)
    read = [_entry(piece) for part in re.split(r"[()\[\]{}]", text) for piece in _pieces(part)]
    pairs = [pair for entry in read for pair in entry.pairs]
    alone = any(not entry.pairs and not entry.title for entry in read)  # "0/1 = yes/no"
    unread = not pairs and {*_CODES} <= {*_CODE.findall(text)}
    bare = [code for code, _ in pairs] == ["0"] and not (bracketed or re.search("[=:]", text))  # "is_alive_0"
    clear = all(entry.clear for entry in read) and not (pairs and alone) and not unread and not bare
    return _Legend(pairs, [word for entry in read for word in entry.title], clear)


def _pieces(text: str) -> list[str]:
    """A text cut at its strongest separator until each piece has one code, or nothing that separates its codes."""
    if not plain(text).strip("=:-, ;/|"):
        return []
    found = next((sign for sign in _SEPARATORS if sign.search(text)), None)
    if found is None or len(_CODE.findall(text)) < 2:
        return [text]
    return [piece for part in found.split(text) for piece in _pieces(part)]


def _entry(piece: str) -> _Legend:
    """The words of the codes of a piece: all stand before their codes, or all behind them."""
    codes, between = _CODE.findall(piece), _CODE.split(piece)
    names = [" ".join(re.findall(r"[^\W_]+", text)) for text in between]
    if not codes or not any(names):
        return _Legend([], [name for name in names if name], True)
    before, behind = list(zip(codes, names[:-1], strict=True)), list(zip(codes, names[1:], strict=True))
    sign = "=" if "=" in piece else ":"
    left = any(text.rstrip().endswith(sign) for text in between[:-1])
    right = any(text.lstrip().startswith(sign) for text in between[1:])
    said = left != right and not (sign == ":" and left and names[-1])  # "status: 1 dead" has a title
    if said or not (names[0] and names[-1]):
        ways = [behind if right or (not said and not names[0]) else before]
    else:
        ways = [behind, before]
    understood = [
        way for way in ways if all(tells_event(word) is not None for code, word in way if code in _CODES)
    ]
    if not understood:
        told = [pair for way in ways for pair in way]
        inverted = any(code == "0" and names_event(word) for code, word in told)
        absent = {*codes} & {*_CODES} and ABSENCE.search(" ".join(names))
        happened = [
            (code, word) for code, word in told if code == "1" and len(ways) == 1 and tells_event(word)
        ]
        return _Legend(happened, [name for name in names if name], not (said or inverted or absent))
    way = understood[0]
    title = [names[0 if way is behind else -1], *(word for code, word in way if code not in _CODES)]
    pairs = [(code, word) for code, word in way if code in _CODES]
    torn = len(understood) == 2 and len(codes) == len(pairs) == 1 and not left  # "dead 0 alive"
    clear = not torn or tells_event(names[0]) is tells_event(names[1])
    return _Legend(pairs, [word for word in title if word], clear)
