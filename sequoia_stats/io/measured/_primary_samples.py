"""One primary sample per patient, by the barcodes of TCGA and TARGET or by the words of a sample sheet."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import pandas as pd

from sequoia_base.flow import Flow
from sequoia_stats.errors import InputError, counted, listing

#: Codes of primary tumours, the preferred first: solid, blood, bone marrow.
_PRIMARY = ("01", "03", "09")
_BARCODE = re.compile(
    r"(?P<patient>TCGA-[A-Z0-9]{2}-[A-Z0-9]{4}|TARGET-\d\d-[A-Z0-9]{6})"
    r"(?:-(?P<code>\d\d)(?P<vial>[A-Z])?(?:-(?P<portion>\d\d)(?P<analyte>[A-Z])?(?:-(?P<plate>[A-Z0-9]+)(?:-\d\d)?)?)?)?"
)
#: Kinds of RNA, the preferred first, as Broad's GDAC ranks them.
_ANALYTES = "HRT"
#: Codes of sample types, and the words of sample sheets for them.
_CODES = {
    "primary tumor": "01",
    "primary solid tumor": "01",
    "primary blood derived cancer - peripheral blood": "03",
    "primary blood derived cancer - bone marrow": "09",
}
_WORDS = {
    "01": "primary tumour", "02": "recurrent tumour", "05": "new primary", "06": "metastasis", "07": "metastasis",
    "10": "normal blood", "11": "normal tissue",
}  # fmt: skip


class Barcode(NamedTuple):
    """What a barcode says of a sample.

    Parameters
    ----------
    patient : str
        The patient, with hyphens.
    code : str
        Two digits of the sample type; "" if the barcode ends before.
    vial : str
        The letter of the vial, or "".
    analyte : str
        The letter of the analyte, or "".
    portion, plate : str
        As in the barcode, or "".
    """

    patient: str
    code: str
    vial: str
    analyte: str
    portion: str
    plate: str


def read_barcode(name: str) -> Barcode | None:
    """The parts of a barcode of TCGA or TARGET; None for other names. R's dots count as hyphens.

    Examples
    --------
    >>> read_barcode("TCGA-A1-A0SB-01A-11R-A144-07")
    Barcode(patient='TCGA-A1-A0SB', code='01', vial='A', analyte='R', portion='11', plate='A144')
    """
    found = _BARCODE.fullmatch(name.strip().replace(".", "-"))
    return Barcode(*(found[part] or "" for part in Barcode._fields)) if found else None


def code_of_words(words: str) -> str:
    """The code of a sample type that a sheet gives in words; the words themselves if it is not a primary tumour."""
    return _CODES.get(words.strip().lower(), words.strip())


def samples_of_names(names: pd.Index) -> pd.DataFrame:
    """A table of samples for `one_per_patient`, from barcodes; any other name is a patient of its own."""
    parsed = [(name, read_barcode(str(name))) for name in names]
    rows = [(str(name), b.patient, b.code) if b else (str(name), str(name), "") for name, b in parsed]
    return pd.DataFrame(rows, names, columns=["sample", "patient_id", "code"], dtype=object)


def one_per_patient(samples: pd.DataFrame, where: str, flow: Flow) -> pd.DataFrame:
    """Keep one primary sample of each patient.

    A primary solid tumour (01) is taken before blood (03) and bone marrow (09), vial A before B; of several aliquots of
    a vial the analyte H before R before T and then the highest portion and plate, as Broad's GDAC chooses them. Samples
    whose type is not known count as primary.

    Parameters
    ----------
    samples : DataFrame
        Columns ``sample`` (barcode or other name, as exact as it is known), ``patient_id`` and ``code`` (of the sample
        type, words if it has no code, "" if not known).
    where : str
        The source, for the error.
    flow : Flow
        Takes a line for samples that are not primary, and one for further samples of a patient.

    Returns
    -------
    DataFrame
        Rows of `samples`, in their order.

    Raises
    ------
    InputError
        If no sample is primary.
    """
    primary = samples[samples["code"].isin([*_PRIMARY, ""])]
    others = Counter(samples.loc[~samples.index.isin(primary.index), "code"])
    words = listing((f"{n:,} {_WORDS.get(code, code)}{_digits(code)}" for code, n in others.most_common()), 5)
    if primary.empty:
        raise InputError(
            "no sample is of a primary tumour",
            where=f"{where}; there: {words}",
            fix="download primary tumours",
        )
    if others:
        n = samples["patient_id"].nunique() - primary["patient_id"].nunique()
        reason = f"not primary: {words}; {counted(n, 'patient has', 'patients have')} no primary sample"
        flow.add("samples: primary", len(samples), len(primary), reason)
    ranks = [
        _rank(sample, code, str(name))
        for name, sample, code in zip(primary.index, primary["sample"], primary["code"], strict=True)
    ]
    order = sorted(range(len(ranks)), key=ranks.__getitem__)
    kept = primary.iloc[order].drop_duplicates("patient_id")
    if len(kept) < len(primary):
        patients = primary["patient_id"][primary["patient_id"].duplicated()].unique()
        reason = (
            f"{counted(len(patients), 'patient has', 'patients have')} several ({listing(patients, 3)}): "
            "01 before 03 before 09, vial A before B, then the highest portion and plate"
        )
        if n := _n_undecided(primary["patient_id"], ranks):
            reason += f"; {n} are not told apart by a barcode: the first by name"
        flow.add("samples: one per patient", len(primary), len(kept), reason)
    return samples.loc[samples.index.isin(kept.index)]


def _digits(code: str) -> str:
    return f" ({code})" if code in _WORDS else ""


def _rank(sample: str, code: str, name: str) -> tuple[int, str, int, tuple[int, ...], str]:
    """The smallest is taken; the name decides last."""
    barcode = read_barcode(sample)
    order = _PRIMARY.index(code) if code in _PRIMARY else len(_PRIMARY)
    if barcode is None:
        return order, "", 0, (), f"{sample} {name}"
    is_known = bool(barcode.analyte) and barcode.analyte in _ANALYTES
    analyte = _ANALYTES.index(barcode.analyte) if is_known else len(_ANALYTES)
    highest = tuple(-ord(letter) for letter in f"{barcode.portion}{barcode.plate}")
    return order, barcode.vial or "A", analyte, highest, f"{sample} {name}"


def _n_undecided(patients: Iterable[str], ranks: Sequence[tuple]) -> int:
    """Number of patients of whom two samples are alike in all but their names."""
    alike = Counter((patient, rank[:-1]) for patient, rank in zip(patients, ranks, strict=True))
    return len({patient for (patient, _), n in alike.items() if n > 1})
