"""What an event column means by its words: said by the header and the values, or asked for."""

from __future__ import annotations

import pytest

from sequoia_stats.io._event_header import one_means
from sequoia_stats.io._event_words import (
    contradictions,
    explains_itself,
    labelled_code,
    may_mean_the_same,
    study_code,
    unknown_events,
)

EVENT = [
    *(
        "status",
        "event",
        "OS",
        "OS.event",
        "PFI",
        "overall_survival_event",
        "Relapse Free Status",
        "dead",
        "relapse",
    ),
    *("vital_status", "uncensored", "noncensored", "death_observed", "recurrence (0/1)", "licence_event"),
    *("status (1=dead)", "death (1 = yes; 0 = no)", "Vital status (0=alive, 1=dead)", "dead=1, alive=0"),
    *(
        "Recurrence (1=yes, 0=no)",
        "Dead (1=true, 0=false)",
        "Relapse (yes=1; no=0)",
        "status (1→dead, 0→alive)",
    ),
    *(
        "dead -> 1, alive -> 0",
        "disease_free_survival_event",
        "alive (1=dead, 0=alive)",
        "status (1 - dead, 0 - alive)",
    ),
    *("status at last follow-up", "vital status (1=y, 0=n)", "free_survival_event (1=yes)", "diversion"),
    *("event: 1=yes", "OS [1: deceased, 0: living]", "relapse (0=no relapse, 1=relapse)"),
    *(
        "status (alive: 0, dead: 1)",
        "Alive (0) / Dead (1)",
        "living: 0 | deceased: 1",
        "death: 0 alive, 1 dead",
    ),
    *("event (0-no 1-yes)", "event (0 no; 1 yes)", "os.status.0.alive.1.dead", "1 if dead, 0 otherwise"),
    *("DFS (1=recurrence or death)", "failure-free survival (1=failure)", "event, 1 = relapse/death"),
    *("death (0,1)", "OS.1", "death at 5 years", "event 1 of 2", "status: 1 dead, 0 alive"),
    *("OS event: 1 = death, 0 = alive or lost to follow-up", "death (1, yes; 0, no)"),
    *("1dead0alive", "X1...dead..0...alive.", "X0.alive.1.dead", "X1...event", "death 0 1", "dead1"),
    *("event (1) otherwise (0)", "1 if dead else 0", "event 0/1 at 5 years"),
    *("death (1) last contact (0)", "1 dead 0 others", "event_1_followup_0", "T0_event", "N0_relapse"),
    *("arm0_death", "Event since day 0", "death_no1"),
    *("alive (0)", "status (alive: 0)", "status_0", "status1", "1st relapse", "OS (0 to 1)"),
]
CENSORED = [
    *(
        "censored",
        "Censored?",
        "CENSORED",
        "censoring",
        "censorship",
        "is_censored",
        "isCensored",
        "was censored",
    ),
    *("right-censored", "Right censoring", " Is right censored "),
]
UNCLEAR = [
    *("status (1=dead, 0=censored)", "dead/censored", "event_or_censored", "Not censored", "non-censored"),
    *(
        "OS event (censored = 0)",
        "status_censor1",
        "censoring indicator",
        "censoring_status",
        "censored (y/n)",
    ),
    *("os_censored", "OSCensored", "statuscensored", "censored_at_5y", "censorship.months", "censored=1"),
    *("censor", "cens", "is_cens", "CNSR", "cens1", "dcens", "zensiert", "censurado"),
    *("alive", "is_alive", "dead_or_alive", "Alive/Dead", "OS_alive", "living", "survived", "survivor"),
    *(
        "Overall Survival",
        "overall_survival",
        "survival",
        "relapse_free",
        "disease-free",
        "eventfree",
        "no_event",
    ),
    *("lost_to_follow_up", "Lost"),
    *("alive (1=yes, 0=no)", "living (1=true, 0=false)", "survived (yes=1, no=0)", "no relapse (1=yes)"),
    *(
        "Disease free (1=yes, 0=no)",
        "disease-free at last contact (1=yes, 0=no)",
        "Recurrence free (yes=1, no=0)",
    ),
    *(
        "lost to follow-up (1=yes)",
        "vital status alive (0 = no, 1 = yes)",
        "status (1=y,0=n) alive",
        "event free (1=y)",
    ),
    *(
        "NED",
        "remission",
        "in remission (1=yes)",
        "nonevent",
        "noevent",
        "status_inverted",
        "event (reverse coded)",
    ),
    *(
        "Withdrawn",
        "dropped out",
        "status (0→dead)",
        "status (0->dead, 1->alive)",
        "status (dead => 0)",
        "lebend",
    ),
    *("vivant", "Überlebt", "viva (1=yes)", "status (0 - dead, 1 - alive)", "disease-free at last contact"),
    *("relapse free status (1=yes, 0=no)", "OS_flipped", "not_progressed (1=true)", "nonrelapse"),
    *("status (dead: 0, alive: 1)", "Dead:0 Alive:1", "dead 0, alive 1", "dead (0), alive (1)", "death (0)"),
    *("Dead - 0, Alive - 1", "deceased: 0 | living: 1", "vital_status [dead 0 / alive 1]", "dead is 0"),
    *("status (dead: 0; other: 1)", "PFS status (progressed: 0 / stable: 1)", "Recurrence yes:0 none:1"),
    *(
        "0 if dead",
        "OS_event_0_is_death",
        "status_0dead",
        "event_absent",
        "event [0/1 = yes/no]",
        "dead 0 alive",
    ),
    *(
        "yes: 0, no: 1",
        "5 year survival (1=yes)",
        "status (1=dead of disease, 0=unknown)",
        "relapse (yes/no = 0/1)",
    ),
    *("vital (0=dead, 1=alive)", "status (1=alive)", "status (0=dead)", "status (1=A, 0=B)", "not dead"),
    *("dead (0) others (1)", "death (0) last contact (1)", "relapse (0) CR (1)", "event_0_followup_1"),
    *(
        "status (0dead1alive)",
        "OS_0dead1alive",
        "status 0=dead1=alive",
        "dead0other1",
        "dead0",
        "status0dead",
    ),
    *("status (0 bad 1 good)", "status (0 bad, 1 good)", "X0.dead.1.alive", "dead 0 1 alive"),
    *("dead(0) 1(others)", "dead 0, 1 other", "relapse 0 1 CR", "dead 0, otherwise 1"),
    *("relapse 1 CR 0 local", "X0_death", "other1dead0", "event_y0n1"),
    *("alive_0", "is_alive_0", "Alive.0", "living.0", "non_event_0"),
]


@pytest.mark.parametrize(
    ("header", "meaning"),
    [
        *((header, "event") for header in EVENT),
        *((header, "censored") for header in CENSORED),
        *((header, "unclear") for header in UNCLEAR),
    ],
)
def test_a_header_says_what_1_means_or_leaves_it_open(header, meaning):
    assert one_means(header) == meaning


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1:DECEASED", 1),
        ("0:LIVING", 0),
        ("0:Not Recurred", 0),
        ("1.0: Recurred/Progressed", 1),
        ("0:DEAD OF OTHER CAUSES", 0),
        ("2:OTHER", None),
        ("DECEASED", None),
    ],
)
def test_a_labelled_code_is_read(text, code):
    assert labelled_code(text) == code


@pytest.mark.parametrize(
    "texts",
    [
        *(["1:ALIVE"], ["0:DECEASED"], ["1:CENSORED"], ["1:No event"], ["1:LOST"], ["1:Non-event"]),
        *(["1:Lost to follow-up, 2010"], ["1:Withdrawn alive"]),
        *(["0:Died of Disease", "1:Alive with disease"], ["0:Dead of disease", "1:NED"]),
        *(["0:Dead (any cause)", "1:Lost to follow-up"], ["0:Progressive disease", "1:Stable disease"]),
        *(["1:Non-progressor"], ["1:Non-failure"], ["1:Non-TRM"]),
        *(["1:Alive, NED", "0:Dead, cancer"], ["1:Recurrence free", "0:Local recurrence"]),
    ],
)
def test_labels_that_say_the_opposite_of_their_codes(texts):
    assert contradictions(texts) == {*texts}


@pytest.mark.parametrize(
    "texts",
    [
        *(["0:LIVING", "1:DECEASED"], ["2:DEAD", "1:OTHER", "dead"], ["0:Living", "1:Died of Disease"]),
        *(["0:Died of Other Causes", "1:Died of Disease"], ["0:Died of heart failure", "1:Died of cancer"]),
        *(["0:Alive, NED", "1:Alive with disease"], ["0:Alive without disease", "1:Alive with recurrence"]),
        *(["0:ALIVE OR DEAD TUMOR FREE", "1:DEAD WITH TUMOR"], ["0:Not Recurred", "1:Recurred/Progressed"]),
        *(
            ["0:Responder", "1:Non-responder"],
            ["0:CR", "1:Non-remission"],
            ["0:On study", "1:Dropped out"],
            ["0:Functioning", "1:Lost graft"],
        ),
        ["0:On treatment", "1:Withdrawn"],
    ],
)
def test_labels_that_agree_with_their_codes_or_are_told_apart_by_them(texts):
    assert contradictions(texts) == set()


def test_a_label_explains_its_code_only_by_a_known_word():
    assert [explains_itself(text) for text in ("1:DECEASED", "0:LIVING", "1:B", "1", "1:LIVING")] == [
        *(True, True),
        *(False, False, False),
    ]


@pytest.mark.parametrize(
    ("endpoint", "text", "code"),
    [
        ("OS", "DECEASED", 1),
        ("OS", "living", 0),
        ("OS", "Dead", 1),
        ("OS", "Alive", 0),
        ("OS", "Recurred", None),
        ("DFS", "DiseaseFree", 0),
        ("DFS", "Recurred/Progressed", 1),
        ("DFS", "RECURRED", 1),
        ("DFS", "Progressed", 1),
        ("DFS", "DECEASED", None),
        ("DFS", "LIVING", None),
        ("PFS", "PROGRESSION", 1),
        ("PFS", "CENSORED", 0),
        ("RFS", "Not Recurred", 0),
        ("RFS", "Relapsed", 1),
        ("DSS", "DEAD WITH TUMOR", 1),
        ("DSS", "ALIVE OR DEAD TUMOR FREE", 0),
        ("DSS", "DECEASED", None),
        ("OS", "lost", None),
    ],
)
def test_words_of_a_study_folder_are_those_of_its_endpoint(endpoint, text, code):
    assert study_code(text, endpoint) == code


@pytest.mark.parametrize(
    ("value", "other"),
    [
        ("Dead", "dead"),
        ("Dead", " DEAD."),
        ("Dead", "Deceased"),
        ("Dead", "1"),
        ("dead", "1:DECEASED"),
        ("1", "1:DECEASED"),
        ("1:DECEASED", "1"),
        ("1:B", "b"),
        ("yes", "Y"),
        ("TRUE", "True"),
        ("1", "yes"),
        ("Recurred", "recurrence"),
        ("Recurred", "Recurred/Progressed"),
        ("Lost to follow-up", "lost to follow up"),
        ("event", "yes"),
        ("Progression", "PD"),
        ("Metastasis", "metastatic"),
        ("Dead", "D"),
        ("Dead", "Killed"),
        ("Dead", "mort"),
        ("Recurred", "Rezidiv"),
        ("Dead", "Dead of disease"),
        ("Dead", "Died (cancer)"),
        ("Dead of disease", "DOD"),
        ("Dead of disease", "Cancer death"),
        ("Dead of disease", "Dead with tumor"),
        ("Died of Disease", "Died of breast cancer"),
        ("Progression", "Progression or death"),
        ("Dead of disease", "Disease-related death"),
        ("Died of lung cancer", "Lung cancer-related death"),
        ("Died of lung cancer", "Died (lung)"),
        ("Progression", "Relapse"),
        ("1:DECEASED", "2:DECEASED"),
        ("1", "1 - dead"),
        ("event", "EVENT OCCURRED"),
    ],
)
def test_values_that_may_both_mean_the_event(value, other):
    assert may_mean_the_same(value, other)
    assert may_mean_the_same(other, value)


@pytest.mark.parametrize(
    ("value", "other"),
    [
        ("Recurred", "Distant recurrence"),
        ("yes", "Yes, local"),
        ("Relapse", "Distant metastasis"),
        ("Relapse", "bone mets"),
    ],
)
def test_a_special_case_of_a_general_word_may_mean_the_event_but_not_the_other_way_round(value, other):
    assert may_mean_the_same(value, other)
    assert not may_mean_the_same(other, value)


@pytest.mark.parametrize(
    ("value", "other"),
    [
        ("Dead", "Alive"),
        ("2", "1"),
        ("0", "1"),
        ("3", "2"),
        ("no", "yes"),
        ("FALSE", "TRUE"),
        ("alive", "dead"),
        ("Recurred", "Not Recurred"),
        ("Recurred", "Dead"),
        ("Died of Disease", "Died of Other Causes"),
        ("Dead", "Dead of other causes"),
        ("Dead", "ALIVE OR DEAD TUMOR FREE"),
        ("Local recurrence", "Distant recurrence"),
        ("Relapse", "No relapse"),
        ("0:DECEASED", "1:LIVING"),
        ("+", "-"),
        ("Dead", "Lost"),
        ("event", "no event"),
        ("event", "censored"),
        ("PD", "SD"),
        ("DOD", "DOC"),
        ("Metastasis", "no metastasis"),
        ("Metastasis", "Local recurrence"),
        ("Local recurrence", "bone mets"),
        ("Died of breast cancer", "Died of lung cancer"),
        ("Dead of disease", "Dead of heart disease"),
        ("Dead of disease", "Alive with disease"),
        ("1:Died of Disease", "2:Died of Other Causes"),
        ("Dead", "Never died"),
        ("Disease-related death", "Treatment-related death"),
        ("Died, disease related", "Died, therapy related"),
        ("Tumor-related death", "Therapy-associated death"),
        ("Died of lung cancer", "Died of lung infection"),
        ("Died of lung infection", "Died of lung cancer"),
        ("Dead", "n.d."),
    ],
)
def test_values_that_a_user_may_tell_apart(value, other):
    assert not may_mean_the_same(value, other)


@pytest.mark.parametrize("endpoint", ["OS", "os", "Overall survival", "death"])
@pytest.mark.parametrize(
    ("value", "other"),
    [
        ("Dead", "Died of other causes"),
        ("Died of Disease", "Died of Other Causes"),
        ("DOD", "DOC"),
        ("Dead of disease", "Dead, cause unknown"),
        ("yes", "Died, unrelated to cancer"),
        ("Deceased (cancer)", "deceased without relapse"),
        ("1:Died of Disease", "Died of Other Causes"),
    ],
)
def test_for_overall_survival_a_death_of_another_cause_may_be_the_event(endpoint, value, other):
    assert may_mean_the_same(value, other, endpoint)


@pytest.mark.parametrize(
    ("endpoint", "same"),
    [
        ("PFS", True),
        ("Event-free survival", True),
        ("DFS", False),
        ("TTP", False),
        ("progression-free interval", False),
    ],
)
def test_a_death_may_be_the_event_where_the_endpoint_includes_it(endpoint, same):
    assert may_mean_the_same("Progression", "Death", endpoint) is same


@pytest.mark.parametrize(
    "other", ["Living", "Not dead", "Never died", "Alive or dead tumor free", "no death", "Lost", "Unknown"]
)
def test_for_overall_survival_the_living_are_not_dead(other):
    assert not may_mean_the_same("Died of Disease", other, "OS")


@pytest.mark.parametrize(
    "text",
    [
        *(
            "Unk",
            "UNKN",
            "?",
            "??",
            "-",
            "–",
            "Discrepancy",
            "unknown/lost",
            "Unknown (lost)",
            "lost/unknown",
        ),
        *(
            "Pending",
            "9:Unknown",
            "Uncertain",
            "not evaluable",
            "unknown if dead",
            "No information",
            *(
                "Unspecified",
                "not specified",
                "ND",
                "n.d.",
                "U",
                "not collected",
                "data missing",
                "Inconclusive",
            ),
            *("Unable to determine", "None reported", "Not Performed"),
        ),
    ],
)
def test_words_for_an_unknown_outcome(text):
    assert unknown_events(["Dead", text, "Alive"]) == [text]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "Dead",
            "Alive",
            "None",
            "Lost",
            "Lost to follow-up",
            "Dead, cause unknown",
            "Unknown cause of death",
            "DUC",
        ),
        *("Alive, disease unknown", "no", "0", "censored", "Stable", "+", "NED", "1:Dead", "NR"),
    ],
)
def test_words_for_a_known_outcome(text):
    assert unknown_events(["Dead", text, "Alive"]) == []


def test_a_minus_beside_a_plus_is_a_value():
    assert unknown_events(["+", "-"]) == []
