"""What an event column means, by the words of its header and of its values; where they leave a doubt, it is said."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Literal

_DEATH = frozenset(["dead", "deceased", "died", "death", "expired"])
#: Further words for a death that columns hold, also in other languages.
_DEATHS = _DEATH | frozenset([
    "d", "dod", "killed", "fatal", "suicide", "exitus", "tot", "verstorben", "gestorben", "mort", "morte", "morto",
    "muerto", "fallecido", "deceduto", "décédé", "decede", "obito", "óbito", "overleden",
])  # fmt: skip
#: Deaths of other causes; for overall survival they are deaths like any other.
_OTHER_DEATHS = frozenset(["doc", "dooc", "doic", "dwd", "duc"])
_RECURRENCE = frozenset(["recurred", "recurrence", "recurrent", "relapsed", "relapse"])
_PROGRESSION = frozenset(["progressed", "progression"])
_PROGRESSIONS = _PROGRESSION | frozenset(["pd", "progressive", "progressing", "progress"])
_RECURRENCES = _RECURRENCE | frozenset(
    ["recurring", "relapsing", "rezidiv", "récidive", "recidive", "recidiva"]
)
_BOTH = "recurred progressed"
#: Words for an event, by what it is; "yes" holds what can stand for any of them.
_EVENTS = {
    "death": _DEATHS,
    "recurrence": _RECURRENCES | {_BOTH},
    "progression": _PROGRESSIONS | {_BOTH},
    "metastasis": frozenset(
        [
            "metastasis",
            "metastases",
            "metastatic",
            "metastasized",
            "metastasised",
            "metastasiert",
        ]
    ),
    "yes": frozenset(["1", "true", "yes", "y", "event"]),
}
_NO_EVENT = frozenset(
    ["0", "false", "no", "n", "none", "alive", "living", "censored", "diseasefree", "disease free"]
)
#: What a legend may say that is true of any header: "Recurrence (1=yes)", "Disease free (1=yes)".
_YES_NO = frozenset(["true", "yes", "y", "false", "no", "n"])
_RECURRENT = _RECURRENCE | _PROGRESSION | {_BOTH}
_FREE = frozenset(
    ["diseasefree", "disease free", "not recurred", "not progressed", "no recurrence", "no relapse"]
) | {f"{kind} free" for kind in ("recurrence", "relapse", "progression")}
#: Words for an event and for none in study folders, by endpoint: those that cBioPortal's own validator knows for OS
#: and DFS, and their like. Under "" those of every other endpoint, DSS's as the TCGA studies write them.
_STUDY_WORDS = {
    "OS": (_DEATH, frozenset(["alive", "living"])),
    "": (_RECURRENT | {"dead with tumor"}, _FREE | {"alive or dead tumor free"}),
}
_LABELLED = re.compile(r"(\d+)(?:\.0)?\s*:\s*(.*)")
#: "1=dead" and "dead=1".
_LEGEND = re.compile(r"\b([01])\s*(?:=+|:)\s*([a-z][a-z /-]*)|([a-z][a-z /-]*?)\s*=+\s*([01])\b")
_CENSORING = re.compile(r"censor|censur|cnsr|zens[iu]|\bcens|cens\b")
_ONLY_CENSORING = re.compile(r"(?:(?:is|was|right) )*(?:censored|censoring|censorship)")
_ABSENCE = re.compile(
    r"alive|living|surviv(?:ed|or|ing)|\b(?:no|not|non|without|cured|lost|ned|healthy)\b|(?:free|survival)$"
    r"|free\b(?! (?:survival|status|event|interval|time))|\bremi(?:ssion|tted)|\bwithdr[ae]w|\bdrop ?(?:ped )?outs?\b"
    r"|\b(?:no|non)(?:event|dead|died|death|relaps|recur|progress)|\b(?:in|re)ver[st]|\bflipped|\bnegated|\bopposite"
    r"|lebend|lebt\b|\bleben\b|\blevend|vivant|\bviv(?:o|a|os|as|e|i|ente)\b|\bvida\b"
)
#: With "yes" and "no" alone as a legend, "free" anywhere leaves a doubt: "Relapse Free Status (1=yes)".
_FREE_OF_IT = re.compile(r"\bfree\b(?!.*\b(?:event|indicator)\b)")
_ARROWS = re.compile(r"[-=–—]+>|[→⇒➔➜]")
#: A code beside a word, however they are joined: "(0 - dead)".
_BESIDE = re.compile(r"\b([01])[^\w]+([a-z]+)")
#: Words that may turn "dead" or "recurrence" in a longer text into something else: "dead of other causes".
_UNLIKE = re.compile(
    r"\b(?:no|not|non|without|free|other|others|unrelated|unknown|or|alive|living|censored)\b"
)
#: The same where every death is the event, whatever its cause.
_NO_DEATH = re.compile(r"\b(?:not|non|free|or|alive|living|censored|no death)\b")
_ANY_DEATH = re.compile(
    r"os|overall[ _-]?surv.*|all[ _-]?cause.*|(?:any[ _-]?)?death|mortality", re.IGNORECASE
)

#: Words for an unknown outcome that may be ordinary values elsewhere.
_UNKNOWN = re.compile(
    r"(?:un?kn?|discrepan\w+|pending|undetermined|indeterminate|uncertain|unsure|unclear|no information|no follow ?up"
    r"|not (?:determined|assessed|evaluable|followed))|unknown (?:if|whether)\b.*"
)
_SIGNS = re.compile(r"[?\-–—_*/ ]+")


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
    """
    words = plain(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header))
    if _ONLY_CENSORING.fullmatch(words):
        return "censored"
    if words in ("uncensored", "noncensored"):
        return "event"
    if _CENSORING.search(words):
        return "unclear"
    text = _ARROWS.sub("=", header.lower())
    legend = [(first or last, plain(after or before)) for first, after, before, last in _LEGEND.findall(text)]
    beside = [] if legend else [(code, word) for code, word in _BESIDE.findall(text) if _is_known(word)]
    if not all(_agree(code, word) for code, word in legend + beside):
        return "unclear"
    if not {word for _, word in legend + beside} <= _YES_NO:  # it says what happened
        return "event"
    doubtful = _ABSENCE.search(plain(_LEGEND.sub(" ", text)) if legend else words)
    return "unclear" if doubtful or (legend and _FREE_OF_IT.search(words)) else "event"


def code_and_label(text: str) -> list[str]:
    """The two parts of "1:DECEASED"; nothing for any other text.

    Examples
    --------
    >>> code_and_label("1:DECEASED"), code_and_label("DECEASED")
    (['1', 'DECEASED'], [])
    """
    found = _LABELLED.fullmatch(text)
    return [] if found is None else [found[1], found[2]]


def unknown_events(texts: Collection[str]) -> list[str]:
    """The texts of an event column that mean an unknown outcome, besides those of `is_missing`.

    Examples
    --------
    >>> unknown_events(["Dead", "Unk", "?", "-", "unknown/lost", "Dead, cause unknown", "9:Unknown"])
    ['Unk', '?', '-', 'unknown/lost', '9:Unknown']
    >>> unknown_events(["+", "-"])
    []
    """
    signs = not any(text.strip().startswith("+") for text in texts)
    return [text for text in texts if (signs and _SIGNS.fullmatch(text.strip())) or _is_unknown(text)]


def labelled_code(text: str) -> float | None:
    """The code of "1:DECEASED" or "0:LIVING"; None for anything else, and where the label contradicts the code.

    Examples
    --------
    >>> labelled_code("1:DECEASED"), labelled_code("0:LIVING"), labelled_code("1:LIVING")
    (1.0, 0.0, None)
    """
    found = _LABELLED.fullmatch(text)
    if found is None or found[1] not in ("0", "1") or contradicts_itself(text):
        return None
    return float(found[1])


def explains_itself(text: str) -> bool:
    """Whether a labelled code has a label that is a known word for an event or for none."""
    found = _LABELLED.fullmatch(text)
    return found is not None and _agree(found[1], plain(found[2]))


def contradicts_itself(text: str) -> bool:
    """Whether the label of a code says the opposite: "1:LIVING"."""
    found = _LABELLED.fullmatch(text)
    if found is None:
        return False
    return _is_none(plain(found[2])) if found[1] == "1" else found[1] == "0" and _is_event(plain(found[2]))


def study_code(text: str, endpoint: str) -> float | None:
    """The code of a word without a number in a study folder of cBioPortal; None if the word is not known there.

    Examples
    --------
    >>> study_code("DECEASED", "OS"), study_code("DiseaseFree", "DFS"), study_code("DECEASED", "DFS")
    (1.0, 0.0, None)
    """
    seen, none = _STUDY_WORDS.get(endpoint, _STUDY_WORDS[""])
    word = plain(text)
    return 1.0 if word in seen else 0.0 if word in none | {"censored"} else None


def may_mean_the_same(value: str, other: str, endpoint: str = "") -> bool:
    """Whether `other` may mean an event as well where `value` does.

    It may by its spelling, its label, as a synonym, or as a special case: "Dead of disease" beside "Dead". For overall
    survival a death of another cause is an event too.

    Examples
    --------
    >>> may_mean_the_same("Dead", "DECEASED"), may_mean_the_same("1", "1:DECEASED"), may_mean_the_same("2", "1")
    (True, True, False)
    >>> [may_mean_the_same("Died of disease", "Died of other causes", endpoint) for endpoint in ("OS", "DSS")]
    [True, False]
    """
    labelled, also = (_LABELLED.fullmatch(text.strip()) for text in (value, other))
    if labelled and also and labelled[1] != also[1]:  # their codes tell them apart
        return False
    if _spellings(value) & _spellings(other):
        return True
    if (
        _ANY_DEATH.fullmatch(endpoint.strip())
        and _is_death(other)
        and (_is_death(value) or _kinds({plain(value)}))
    ):
        return True
    words = [] if _UNLIKE.search(plain(other)) else plain(other).split()
    kinds, others = _kinds(_spellings(value)), _kinds({*_spellings(other), *words})
    return bool(kinds & others) or bool(kinds and others and "yes" in kinds | others)


def plain(text: str) -> str:
    """Lower case, words separated by one blank, numbers without needless zeros; a text of signs alone as it is."""
    try:
        return f"{float(text):g}"
    except ValueError:
        return " ".join(re.findall(r"[^\W_]+", text.lower())) or text.strip()


def _spellings(text: str) -> set[str]:
    found = _LABELLED.fullmatch(text.strip())
    return {plain(text), *(plain(part) for part in found.groups() if part)} if found else {plain(text)}


def _kinds(texts: set[str]) -> set[str]:
    """The kinds of events that texts mean, in plain spelling."""
    return {kind for kind, words in _EVENTS.items() if words & texts}


def _is_unknown(text: str) -> bool:
    words = plain((code_and_label(text.strip()) or [text])[-1])
    if _UNKNOWN.fullmatch(words):
        return True
    told = {*words.split(), words}
    return "unknown" in told and not (_kinds(told) or told & (_NO_EVENT | _OTHER_DEATHS | {"free"}))


def _is_death(text: str) -> bool:
    """Whether a text tells of a death, of any cause."""
    words = plain(text)
    return not _NO_DEATH.search(words) and bool(
        (_DEATHS | _OTHER_DEATHS) & {*_spellings(text), *words.split()}
    )


def _agree(code: str, word: str) -> bool:
    return (code == "1" and _is_event(word)) or (code == "0" and _is_none(word))


def _is_event(word: str) -> bool:
    return any(word in words for words in _EVENTS.values())


def _is_known(word: str) -> bool:
    return _is_event(word) or _is_none(word)


def _is_none(word: str) -> bool:
    return word in _NO_EVENT | _FREE or word.startswith(("no ", "not "))
