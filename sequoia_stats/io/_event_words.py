"""What the values of an event column mean, by their words; where they leave a doubt, it is said."""

from __future__ import annotations

import re
from collections.abc import Collection

_DEATH = frozenset(["dead", "deceased", "died", "death", "expired"])
#: Further words for a death that columns hold, also in other languages.
_DEATHS = _DEATH | frozenset([
    "d", "dod", "killed", "fatal", "suicide", "exitus", "tot", "verstorben", "gestorben", "mort", "morte", "morto",
    "muerto", "fallecido", "deceduto", "décédé", "decede", "obito", "óbito", "overleden",
])  # fmt: skip
#: Deaths of other causes; for overall survival they are deaths like any other.
_OTHER_DEATHS = frozenset(["doc", "dooc", "doic", "dwd", "duc"])
_RECURRENT = frozenset([
    "recurred", "recurrence", "recurrent", "relapsed", "relapse", "progressed", "progression", "recurred progressed",
])  # fmt: skip
#: Words for an event, by what it is; "yes" holds what can stand for any of them.
_EVENTS = {
    "death": _DEATHS,
    "recurrence": _RECURRENT | frozenset([
        "recurring", "relapsing", "rezidiv", "récidive", "recidive", "recidiva",
        "pd", "progressive", "progressing", "progress",
    ]),
    "metastasis": frozenset([
        "metastasis", "metastases", "metastatic", "metastasized", "metastasised", "metastasiert", "mets",
    ]),
    "yes": frozenset(["1", "true", "yes", "y", "event", "failure"]),
}  # fmt: skip
#: Words that mean an event only where they stand alone: a cause of death is "renal failure".
_ONLY_ALONE = frozenset(["failure"])
_NO_EVENT = frozenset(
    ["0", "false", "no", "n", "none", "alive", "living", "censored", "diseasefree", "disease free"]
)
#: What is no event either; "unknown/lost" is unknown all the same.
_LEFT = frozenset([
    "lost", "lost to follow up", "lost to followup", "lost to fu", "ltfu", "ned", "no evidence of disease",
    "stable", "stable disease", "withdrawn",
])  # fmt: skip
_FREE = frozenset(
    ["diseasefree", "disease free", "not recurred", "not progressed", "no recurrence", "no relapse"]
) | {f"{kind} free" for kind in ("recurrence", "relapse", "progression")}
#: Words for an event and for none in study folders, by endpoint: those that cBioPortal's own validator knows for OS
#: and DFS, and their like. Under "" those of every other endpoint, DSS's as the TCGA studies write them.
_STUDY_WORDS = {
    "OS": (_DEATH, frozenset(["alive", "living"])),
    "": (_RECURRENT | {"dead with tumor"}, _FREE | {"alive or dead tumor free"}),
}
_LABELLED = re.compile(r"(\d+)(?:\.0)?\s*:\s*(\S.*)")
#: Words that speak of survivors, or turn what is beside them into its opposite.
ABSENCE = re.compile(
    r"alive|living|surviv(?:ed|or|ing)|\b(?:no|not|non|none|never|without|cured|lost|ned|healthy|stable)\b"
    r"|\babsen(?:t|ce)\b|(?:free|survival)$"
    r"|free\b(?! (?:survival|status|event|interval|time))|\bremi(?:ssion|tted)|\bwithdr[ae]w|\bdrop ?(?:ped )?outs?\b"
    r"|\b(?:no|non)(?:event|dead|died|death|relaps|recur|progress)|\b(?:in|re)ver[st]|\bflipped|\bnegated|\bopposite"
    r"|lebend|lebt\b|\bleben\b|\blevend|vivant|\bviv(?:o|a|os|as|e|i|ente)\b|\bvida\b"
)
#: Those of them that may be an event themselves: no good outcome, the loss of a graft, the end of a treatment.
_GOOD = r"(?:respon[ds]|remi[st]|surviv|complian|adheren|recover|heal)\w*"
_LEFT_OR_LOST = re.compile(
    rf"\bnon {_GOOD}|\blost\b(?! (?:to|for|at)\b)|\bwithdr[ae]wn?\b|\bdrop ?(?:ped )?outs?\b"
)
#: Words that may turn "dead" or "recurrence" in a longer text into something else: "dead of other causes".
_UNLIKE = re.compile(
    r"\b(?:no|not|non|never|without|free|other|others|unrelated|unknown|alive|living|lost|censored)\b"
)
#: The same where every death is the event, whatever its cause.
_NO_DEATH = re.compile(r"\b(?:not|non|never|free|alive|living|lost|censored|no death)\b")
_ANY_DEATH = re.compile(
    r"os|overall[ _-]?surv.*|all[ _-]?cause.*|(?:any[ _-]?)?death|mortality", re.IGNORECASE
)
#: Endpoints for which a death, a recurrence and a metastasis are events alike; PFI leaves other deaths out.
_ANY_EVENT = re.compile(r"pfs|efs|event[ _-]?free.*|progression[ _-]?free(?![ _-]?interval).*", re.IGNORECASE)
_CANCER = frozenset([
    "cancer", "tumor", "tumors", "tumour", "tumours", "carcinoma", "malignancy", "neoplasm", "dod",
])  # fmt: skip
#: Words that do not tell one event of a kind from another.
_FILLERS = frozenset([
    "a", "an", "and", "any", "as", "associated", "at", "by", "cause", "caused", "confirmed", "documented", "due",
    "first", "from", "had", "has", "in", "is", "of", "occurred", "or", "related", "the", "to", "was", "with",
])  # fmt: skip

#: Words for an unknown outcome that may be ordinary values elsewhere. NR is none: "not recurred", "non-responder".
_UNKNOWN = re.compile(
    r"(?:un?kn?|u|n ?d|discrepan\w+|pending|undetermined|indeterminate|inconclusive|unspecified|uncertain|unsure"
    r"|unclear|(?:unable|impossible) to (?:determine|assess|evaluate)|no information|no follow ?up|none reported"
    r"|(?:data )?missing(?: data)?"
    r"|not (?:determined|assessed|collected|done|evaluable|followed|performed|specified))"
    r"|unknown (?:if|whether)\b.*"
)
_SIGNS = re.compile(r"[?\-–—_*/ ]+")


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
    """The code of "1:DECEASED" or "0:LIVING"; None for anything else.

    Examples
    --------
    >>> labelled_code("1:DECEASED"), labelled_code("0:LIVING"), labelled_code("2:OTHER")
    (1.0, 0.0, None)
    """
    code = code_and_label(text)[:1]
    return float(code[0]) if code in (["0"], ["1"]) else None


def explains_itself(text: str) -> bool:
    """Whether a labelled code has a label that tells of an event, or of none, as its code does."""
    told = _told(text)
    return told is not None and told == labelled_code(text)


def contradictions(texts: Collection[str]) -> set[str]:
    """Those of the labelled codes of a column whose labels say the opposite: "1:LIVING", "0:Dead of disease".

    A label of several words is taken as it is if the other code has a label that says the same, so that the codes
    tell the two apart: "0:Died of heart failure" beside "1:Died of cancer", "1:Alive with disease" beside "0:Alive".
    Who did not respond, left, or lost a graft may have had the event: "1:Non-responder", "1:Withdrawn".

    Examples
    --------
    >>> contradictions(["0:LIVING", "1:DECEASED"]), contradictions(["0:Dead of disease", "1:DEAD"])
    (set(), set())
    >>> sorted(contradictions(["0:Dead of disease", "1:Alive with disease"]))
    ['0:Dead of disease', '1:Alive with disease']
    """
    told = {text: told for text in texts if (told := _told(text)) is not None}
    right = {told[text] for text in told if told[text] == labelled_code(text)}
    odd = {
        text for text in told if told[text] != labelled_code(text) and (told[text] or _rules_out_event(text))
    }
    return {text for text in odd if told[text] not in right or _is_known(plain(code_and_label(text)[1]))}


def tells_event(text: str) -> bool | None:
    """Whether a text tells of an event (True) or of none (False); None if it is not understood, or tells of both.

    Examples
    --------
    >>> [tells_event(text) for text in ("Dead of disease", "Alive, NED", "Alive with recurrence")]
    [True, False, None]
    """
    word = plain(text)
    if _is_known(word):
        return _is_event(word)
    seen, absent = _kinds(_words(text)) - {"yes"}, ABSENCE.search(word)
    if seen and not absent and not _UNLIKE.search(word):
        return True
    return False if absent and not seen else None


def names_event(text: str) -> bool:
    """Whether some word of a text is one for an event, whatever the text says of it.

    Examples
    --------
    >>> names_event("dead others"), names_event("last contact")
    (True, False)
    """
    return bool(_kinds(_words(text)))


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
    labelled, also = (code_and_label(text.strip()) for text in (value, other))
    if labelled and also and labelled[0] != also[0]:  # their codes tell them apart, if their labels do
        return plain(labelled[1]) == plain(also[1])
    if _spellings(value) & _spellings(other):
        return True
    ours, theirs = (_kinds(_spellings(text)) | _kinds(_words(text)) for text in (value, other))
    if _ANY_DEATH.fullmatch(endpoint.strip()) and _is_death(other) and (_is_death(value) or ours):
        return True
    if _UNLIKE.search(plain(other)) or (_UNLIKE.search(plain(value)) and not _kinds(_spellings(value))):
        return False
    if _ANY_EVENT.fullmatch(endpoint.strip()):
        return bool(ours and theirs)
    if "recurrence" in ours and "metastasis" in theirs:
        theirs = {*theirs, "recurrence"}
    alike = bool(ours & theirs) or bool(ours and theirs and "yes" in ours | theirs)
    return alike and _may_be_the_same_case(value, other, of_death="death" in ours & theirs)


def plain(text: str) -> str:
    """Lower case, words separated by one blank, numbers without needless zeros; a text of signs alone as it is."""
    try:
        return f"{float(text):g}"
    except ValueError:
        return " ".join(re.findall(r"[^\W_]+", text.lower())) or text.strip()


def _spellings(text: str) -> set[str]:
    return {plain(text), *map(plain, code_and_label(text.strip()))}


def _words(text: str) -> set[str]:
    """The words of a text, or of its label; single letters, as in "n.d.", are none."""
    label = (code_and_label(text.strip()) or [text])[-1]
    return {word for word in plain(label).split() if len(word) > 1 or word == "1"} - _ONLY_ALONE


def _kinds(texts: set[str]) -> set[str]:
    """The kinds of events that texts mean, in plain spelling."""
    return {kind for kind, words in _EVENTS.items() if words & texts}


def _may_be_the_same_case(value: str, other: str, *, of_death: bool) -> bool:
    """Whether two texts for events of one kind may mean the same, by the words that are beside those for the event."""
    (cancer, ours), (also_cancer, theirs) = _particulars(value), _particulars(other)
    if not (cancer or ours):
        return True
    if not (also_cancer or theirs):  # a death without a cause may be of the declared one
        return of_death
    another_cause = theirs - ours if cancer else ours - theirs
    if of_death and cancer != also_cancer and another_cause:  # lung cancer, lung infection
        return False
    return bool(ours & theirs) or (cancer and also_cancer and not (ours and theirs))


def _particulars(text: str) -> tuple[bool, set[str]]:
    """Whether a text names cancer, or a disease without saying which; and its words beside those for the event."""
    words = _words(text)
    rest = words - _CANCER - _FILLERS - {"disease"} - set().union(*_EVENTS.values())
    return bool(words & _CANCER or ("disease" in words and not rest)), rest


def _told(text: str) -> bool | None:
    """What the label of a code 0 or 1 tells."""
    return None if labelled_code(text) is None else tells_event(code_and_label(text)[1])


def _rules_out_event(text: str) -> bool:
    """Whether a label that tells of no event leaves no doubt of it."""
    word = plain(code_and_label(text)[1])
    if _is_known(word) and word != "withdrawn":
        return True
    return names_event(word) or bool(ABSENCE.search(_LEFT_OR_LOST.sub(" ", word)))


def _is_unknown(text: str) -> bool:
    words = plain((code_and_label(text.strip()) or [text])[-1])
    if _UNKNOWN.fullmatch(words):
        return True
    told = {*words.split(), words}
    return "unknown" in told and not (_kinds(told) or told & (_NO_EVENT | _OTHER_DEATHS | {"free"}))


def _is_death(text: str) -> bool:
    """Whether a text tells of a death, of any cause."""
    told = _spellings(text) | _words(text)
    return not _NO_DEATH.search(plain(text)) and bool((_DEATHS | _OTHER_DEATHS) & told)


def _is_event(word: str) -> bool:
    return any(word in words for words in _EVENTS.values())


def _is_known(word: str) -> bool:
    return _is_event(word) or word in _NO_EVENT | _FREE | _LEFT or word.startswith(("no ", "not "))
