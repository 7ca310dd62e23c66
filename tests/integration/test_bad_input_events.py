"""Events and times that leave a doubt: asked about by every format, with a way out that works in it."""

from __future__ import annotations

import re
import shlex

import numpy as np
import pandas as pd
import pytest

from sequoia_stats.io import READERS, _time_and_event, cbioportal, h5ad, read_cohort, tidy
from tests.build.commands import SAID, left_in, sequoia, write_adata
from tests.build.studies import PATIENTS, clinical_table, expression_table, write_cbioportal_study, write_tidy

N = len(PATIENTS)
TIMES = [10.0, 20, 30, 40, 50, 60]


# --- builders: the same times and events in every format; each returns the arguments of `cohort convert` -----------


def tables(folder, times, events, header="status"):
    clinical = clinical_table(months=times, status=events).rename(columns={"status": header})
    write_tidy(folder, clinical=clinical)
    said = [header if word == "status" else word for word in SAID]
    return [folder / "expression.csv", "--clinical", folder / "clinical.csv", *said]


def study(folder, times, events, endpoint="RFS"):
    outcome = {f"{endpoint}_MONTHS": times, f"{endpoint}_STATUS": events}
    patients = pd.DataFrame(outcome, pd.Index(PATIENTS, name="PATIENT_ID"))
    return [write_cbioportal_study(folder / "study", patients=patients), "--endpoint", endpoint]


def adata(folder, times, events):
    table = {"time": pd.Series(times, PATIENTS), "event": pd.Series(events, PATIENTS)}
    return [write_adata(folder / "a.h5ad", expression_table(), **table), "--endpoint", "RFS"]


FORMATS = {"tidy": tables, "cbioportal": study, "h5ad": adata}


def convert(capsys, folder, arguments, *options):
    command = ["cohort", "convert", *arguments, *options, "-o", folder / "out.h5ad", "--force"]
    return sequoia(capsys, *command)


def flags_in(text):
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))


def allowed(name):
    return {option.flag for option in READERS[name].options} | {"--endpoint", "--drop-invalid", "--format"}


# --- events that are asked about -----------------------------------------------------------------------------------

BESIDE = [
    *(
        "status (1=dead, 0=censored)",
        "dead/censored",
        "event_or_censored",
        "Not censored",
        "OS event (censored = 0)",
    ),
    *("os_censored", "censoring indicator", "cens", "alive", "overall_survival", "vital (0=dead, 1=alive)"),
]


@pytest.mark.parametrize("header", BESIDE)
def test_a_header_that_says_more_than_one_thing_is_asked_about_and_the_answer_is_taken(
    capsys, tmp_path, header
):
    arguments = tables(tmp_path, TIMES, [1, 1, 0, 1, 1, 0], header)
    before = left_in(tmp_path)
    answer = convert(capsys, tmp_path, arguments)
    assert (answer.code, left_in(tmp_path)) == (2, before)
    assert f"{header!r} does not say whether 1 is an event" in answer.err and "--event-value" in answer.err
    assert convert(capsys, tmp_path, arguments, "--event-value", "1").code == 0
    assert read_cohort(tmp_path / "out.h5ad").n_events == 4


#: Events, the value declared for them (or none), the words of the error, the options of the way out, and the events.
ASKED = {
    "coded 1 and 2": ([1, 2, 1, 2, 1, 1], [], ["2 events are neither 0 nor 1: 2"], ["2"], 2),
    "yes and no": (["yes", "no"] * 3, [], ["6 events are neither 0 nor 1: yes, no"], ["yes"], 3),
    "words of no endpoint": (["gone", "here"] * 3, [], ["neither 0 nor 1: gone, here"], ["gone"], 3),
    "labels against codes": (["1:LIVING", "0:DECEASED"] * 3, [], ["contradict", "'1:LIVING' (3)"], ["0:DECEASED"], 3),
    "labels of several words against codes": (
        ["1:Alive with disease", "0:Dead of disease"] * 3, [], ["contradict", "'1:Alive with disease' (3)"],
        ["0:Dead of disease"], 3,
    ),
    "codes with signs": (["1?", "\N{MINUS SIGN}1", "<1", "0*", "0", "1"], [], ["4 events are neither 0 nor 1"],
                         ["1", "1?", "\N{MINUS SIGN}1", "<1"], 4),
    "a code without its label": (["1:", "1", "0"] * 2, [], ["2 events are neither 0 nor 1: 1:"], ["1:", "1"], 4),
    "an event that is coded 100": ([0, 100] * 3, [], ["--missing 100; if they mean the event"], ["100"], 3),
    "a second code for events": ([0, 1, 9] * 2, [], ["--event-value 1 --event-value 9"], ["1", "9"], 4),
    "-1 beside words": (["Dead", "Alive", "-1"] * 2, ["Dead"], ["--missing -1"], ["Dead", "-1"], 4),
    "a third code": ([0, 1, 2, 0, 1, 0], [], ["1 event is neither 0 nor 1: 2"], ["1", "2"], 3),
    "another case": (
        ["Dead", "dead"] + ["Alive"] * 4,
        ["Dead"],
        ["1 value beside 'Dead' may mean the event too", "'dead' (1)"],
        ["Dead", "dead"],
        2,
    ),
    "a synonym": (
        ["Dead", "Deceased", "Died"] + ["Alive"] * 3,
        ["Dead"],
        ["2 values beside 'Dead' may mean the event too", "'Deceased' (1)", "'Died' (1)"],
        ["Dead", "Deceased", "Died"],
        3,
    ),
    "a code beside its label": (["1:GONE", "1"] + ["0"] * 4, ["1:GONE"], ["'1' (1)"], ["1:GONE", "1"], 2),
    "a code beside a word": (["1", "Dead"] + ["Alive"] * 4, ["Dead"], ["'1' (1)"], ["Dead", "1"], 2),
    "a value that nobody has": (
        ["Dead", "Alive", "Alive"] * 2,
        ["dead"],
        ["no patient has the event value 'dead'", "'Alive' (4), 'Dead' (2)"],
        ["Dead"],
        2,
    ),
    "a second value that nobody has": (["Dead", "Alive"] * 3, ["Dead", "DOD"], ["value 'DOD'"], ["Dead"], 3),
    "an empty value": (["Dead", "Alive"] * 3, [""], ["an event value is empty"], ["Dead"], 3),
}  # fmt: skip


def declared(values):
    return [word for value in values for word in ("--event-value", value)]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("case", ASKED)
def test_events_that_cannot_be_told_are_an_error_whose_way_out_works(capsys, tmp_path, name, case):
    events, values, words, ways_out, n_events = ASKED[case]
    arguments = FORMATS[name](tmp_path, TIMES, events)
    before = left_in(tmp_path)
    answer = convert(capsys, tmp_path, arguments, *declared(values))
    assert (answer.code, left_in(tmp_path)) == (2, before)
    assert [word for word in words if word not in answer.err] == []
    assert "--event-value" in flags_in(answer.err) <= allowed(name)
    assert convert(capsys, tmp_path, arguments, *declared(ways_out)).code == 0
    assert read_cohort(tmp_path / "out.h5ad").n_events == n_events


def test_for_overall_survival_a_death_of_another_cause_is_asked_about(capsys, tmp_path):
    arguments = tables(tmp_path, TIMES, ["Died of Disease", "Died of Other Causes"] + ["Living"] * 4)
    both = declared(["Died of Disease", "Died of Other Causes"])
    answer = convert(capsys, tmp_path, arguments, *both[:2], "--endpoint", "OS")
    assert answer.code == 2 and "'Died of Other Causes' (1)" in answer.err
    assert convert(capsys, tmp_path, arguments, *both, "--endpoint", "OS").code == 0
    assert read_cohort(tmp_path / "out.h5ad").n_events == 2
    assert convert(capsys, tmp_path, arguments, *both[:2], "--endpoint", "DSS").code == 0
    assert read_cohort(tmp_path / "out.h5ad").n_events == 1


def test_the_options_that_an_error_spells_out_can_be_pasted(capsys, tmp_path):
    arguments = tables(tmp_path, TIMES, ["Dead", "dead", "it's DEAD", "Alive", "Alive", "DEAD"])
    answer = convert(capsys, tmp_path, arguments, "--event-value", "Dead")
    pasted = shlex.split(answer.err.partition("mean the event: ")[2].partition(";")[0])
    assert pasted == declared(["Dead", "dead", "it's DEAD", "DEAD"])
    assert convert(capsys, tmp_path, arguments, *pasted).code == 0


# --- events that are read ------------------------------------------------------------------------------------------

UNKNOWN = ["Dead", "Alive", "Not Reported", "Unknown", "'--", "Lost"]


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_unknown_is_missing_and_what_is_taken_as_censored_is_listed(capsys, tmp_path, name):
    arguments = [*FORMATS[name](tmp_path, TIMES, UNKNOWN), "--event-value", "Dead"]
    answer = convert(capsys, tmp_path, arguments)
    assert answer.code == 2 and "3 of 6 patients" in answer.err and "event missing: P3, P4, P5" in answer.err
    answer = convert(capsys, tmp_path, arguments, "--drop-invalid")
    assert answer.code == 0
    line = "is 'Dead': 1 of 3 patients has it; taken as censored: 'Alive' (1), 'Lost' (1)"
    assert line in answer.out
    cohort = read_cohort(tmp_path / "out.h5ad")
    assert (list(cohort.patients), cohort.n_events) == (["P1", "P2", "P6"], 1)
    assert any(line in reason for reason in cohort.flow["reason"])


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("unknown", ["Unk", "?", "-", "Discrepancy", "unknown/lost"])
def test_an_event_that_is_unknown_in_other_words_is_never_censored(capsys, tmp_path, name, unknown):
    arguments = FORMATS[name](tmp_path, TIMES, ["Dead", "Alive", unknown, "Alive", "Dead", "Alive"])
    answer = convert(capsys, tmp_path, [*arguments, "--event-value", "Dead"])
    assert answer.code == 2 and "event missing: P3" in answer.err
    answer = convert(capsys, tmp_path, [*arguments, "--event-value", "Dead", "--drop-invalid"])
    assert answer.code == 0 and f"taken as missing: '{unknown}' (1)" in answer.out
    assert list(read_cohort(tmp_path / "out.h5ad").patients) == ["P1", "P2", "P4", "P5", "P6"]


@pytest.mark.parametrize(
    ("name", "event", "word"), [("tidy", "D", "ND"), ("cbioportal", "1", "NA"), ("h5ad", "Dead", "-")]
)
def test_a_word_for_unknown_that_is_alone_beside_the_event_is_asked_about(
    capsys, tmp_path, name, event, word
):
    arguments = [*FORMATS[name](tmp_path, TIMES, [event, event, *[word] * 4]), "--event-value", event]
    answer = convert(capsys, tmp_path, arguments, "--drop-invalid")
    assert answer.code == 2 and f"beside it there is only '{word}' (4)" in answer.err
    assert convert(capsys, tmp_path, arguments, "--drop-invalid", "--missing", word).code == 0
    assert len(read_cohort(tmp_path / "out.h5ad").patients) == 2
    arguments = [*FORMATS[name](tmp_path, TIMES, [event, event, *["0"] * 4]), "--event-value", event]
    assert convert(capsys, tmp_path, arguments).code == 0
    assert read_cohort(tmp_path / "out.h5ad").n_events == 2
    arguments = [*FORMATS[name](tmp_path, TIMES, [*[event] * 5, "Unknown"]), "--event-value", event]
    assert convert(capsys, tmp_path, arguments, "--drop-invalid").code == 0


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("code", [9, 99, -9])
def test_a_code_for_unknown_is_asked_about_and_hits_no_time(capsys, tmp_path, name, code):
    times = [abs(code), 20, 30, 40, 50, 60]
    arguments = [*FORMATS[name](tmp_path, times, [2, 1, code, 1, 2, 1]), "--event-value", "2"]
    answer = convert(capsys, tmp_path, arguments)
    assert answer.code == 2 and "may mean that the outcome is unknown" in answer.err
    fix = ["--missing", re.search(r"--missing (\S+);", answer.err)[1]]
    assert float(fix[1]) == code
    answer = convert(capsys, tmp_path, [*arguments, *fix, "--drop-invalid"])
    assert answer.code == 0, answer.err
    assert ("taken as times, not as missing" in answer.out) is (code > 0)
    cohort = read_cohort(tmp_path / "out.h5ad")
    assert list(cohort.patients) == ["P1", "P2", "P4", "P5", "P6"] and cohort.n_events == 2
    assert cohort.outcome.time[0] == abs(code)


@pytest.mark.parametrize(
    ("endpoint", "seen", "none"),
    [
        ("OS", "DECEASED", "LIVING"),
        ("OS", "deceased", "Living"),
        ("OS", "Dead", "Alive"),
        ("OS", "1:DECEASED", "LIVING"),
        ("DFS", "Recurred/Progressed", "DiseaseFree"),
        ("DFS", "Recurred", "DiseaseFree"),
        ("DFS", "Progressed", "DISEASEFREE"),
        ("PFS", "PROGRESSION", "CENSORED"),
        ("RFS", "Recurred", "Not Recurred"),
        ("DSS", "DEAD WITH TUMOR", "ALIVE OR DEAD TUMOR FREE"),
    ],
)
def test_words_of_cbioportal_are_read_and_what_was_the_event_is_stated(
    capsys, tmp_path, endpoint, seen, none
):
    arguments = study(tmp_path, TIMES, [seen, none, none, seen, none, seen], endpoint)
    answer = convert(capsys, tmp_path, arguments)
    assert answer.code == 0, answer.err
    assert read_cohort(tmp_path / "out.h5ad").outcome.event.tolist() == [
        True,
        False,
        False,
        True,
        False,
        True,
    ]
    assert f"{endpoint}_STATUS is " in answer.out or seen.startswith("1:")


def test_a_death_is_not_taken_for_a_relapse(capsys, tmp_path):
    arguments = study(tmp_path, TIMES, ["DECEASED", "DiseaseFree", "Recurred"] * 2, "DFS")
    answer = convert(capsys, tmp_path, arguments)
    assert answer.code == 2 and "neither 0 nor 1: DECEASED" in answer.err
    assert convert(capsys, tmp_path, arguments, "--event-value", "Recurred").code == 0
    assert read_cohort(tmp_path / "out.h5ad").n_events == 2


# --- times ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("times", "unit", "words"),
    [
        (
            [120, 300, 734, 734, 800, 900],
            "months",
            ["censoring 734 months (61 years)", "really in months?"],
        ),
        ([10, 20, 30, 40, 50, 60], "years", ["censoring 420 months (35 years)", "really in years?"]),
        ([100, 900, 1800, 2400, 3000, 3600], "months", ["months (300 years)", "really in months?"]),
        ([1, 2, 3, 5, 8, 11], "days", ["longest 0.36 months", "nobody is followed for 2 years"]),
        (
            [3, 6, 9, 12, 15, 40],
            "years",
            ["censoring 126 months (10 years), longest 480", "really in years?"],
        ),
        ([0.5, 2, 5, 9, 15, 22.5], "months", ["nobody is followed for 2 years", "really in months?"]),
        ([6, 12, 30, 60, 90, 180], "days", ["nobody is followed for 2 years", "really in days?"]),
    ],
)
def test_times_that_no_cohort_has_are_noted_in_print_and_file(capsys, tmp_path, times, unit, words):
    arguments = tables(tmp_path, times, [0, 1] * 3)
    answer = convert(capsys, tmp_path, arguments, "--time-unit", unit)
    assert answer.code == 0
    assert [word for word in words if word not in answer.out] == []
    reasons = " ".join(read_cohort(tmp_path / "out.h5ad").flow["reason"])
    assert [word for word in words if word not in reasons] == []
    assert words[0] in sequoia(capsys, "cohort", "describe", tmp_path / "out.h5ad").out


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("odd", ["12 months", "2020-01-01"])
def test_times_in_words_are_refused_without_an_option_that_the_format_lacks(capsys, tmp_path, name, odd):
    arguments = FORMATS[name](tmp_path, ["10", odd, "30", "40", "50", "60"], [0, 1] * 3)
    answer = convert(capsys, tmp_path, arguments)
    assert answer.code == 2
    assert f"1 time is not numeric: {odd}" in answer.err and "the number of months alone" in answer.err
    assert flags_in(answer.err) <= allowed(name)


# --- messages ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    ("times", "events", "options"),
    [
        ([np.nan, 20, 30, 40, 50, 60], [0, 1] * 3, []),
        ([-1, 0, 30, 40, 50, 60], [0, 1] * 3, []),
        ([0] * N, [0, 1] * 3, ["--drop-invalid"]),
        (TIMES, [np.nan, 1, 0, 1, 0, 1], []),
        (TIMES, ["maybe"] * N, []),
        (TIMES, [0, 1] * 3, ["--endpoint", "PFI"]),
    ],
)
def test_no_message_names_an_option_that_the_format_lacks(capsys, tmp_path, name, times, events, options):
    arguments = FORMATS[name](tmp_path, times, events)
    answer = convert(capsys, tmp_path, arguments, *options)
    assert flags_in(answer.err) <= allowed(name)


def test_patients_of_nobody_in_a_study_are_not_blamed_on_options_of_tables(capsys, tmp_path):
    arguments = study(tmp_path, TIMES, [0, 1] * 3)
    path = tmp_path / "study" / "data_clinical_sample.txt"
    path.write_text(re.sub(r"^P(\d)\b", r"X\1", path.read_text(), flags=re.MULTILINE))
    answer = convert(capsys, tmp_path, arguments)
    assert answer.code == 2 and "no patient is in both tables" in answer.err
    assert flags_in(answer.err) <= allowed("cbioportal")


@pytest.mark.parametrize(
    ("module", "name"),
    [(tidy, "tidy"), (cbioportal, "cbioportal"), *((_time_and_event, name) for name in READERS)],
)
def test_no_text_of_a_reader_names_an_option_that_its_format_lacks(module, name):
    with open(module.__file__, encoding="utf-8") as file:
        assert flags_in(file.read()) <= allowed(name)


@pytest.mark.parametrize(
    "command",
    [["cohort", "describe", "FILE"], ["signature", "fit", "FILE", "-o", "OUT.json"]],
)
def test_a_command_without_the_options_of_a_reader_says_which_command_has_them(capsys, tmp_path, command):
    path = adata(tmp_path, TIMES, ["dead", "alive"] * 3)[0]
    names = {"FILE": path, "OUT.json": tmp_path / "out.json"}
    for fix in ("--endpoint", "--event-value"):
        answer = sequoia(capsys, *(names.get(word, word) for word in command))
        assert answer.code == 2 and fix in answer.err and "`sequoia-stats cohort convert` has" in answer.err
        import anndata

        made = anndata.read_h5ad(path)
        made.uns["endpoint"] = "RFS"
        made.write_h5ad(path)
    assert convert(capsys, tmp_path, [path], "--event-value", "dead").code == 0
    assert sequoia(capsys, "cohort", "describe", tmp_path / "out.h5ad").code == 0


def test_h5ad_names_only_options_that_some_command_has():
    with open(h5ad.__file__, encoding="utf-8") as file:
        assert flags_in(file.read()) <= allowed("h5ad") | {"--layer"}
