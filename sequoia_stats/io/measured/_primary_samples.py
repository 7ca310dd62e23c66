"""One primary sample per patient, by barcodes or by the words of a sample sheet."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from sequoia_base.flow import Flow
from sequoia_base.tables import read_text
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.io._barcodes import CELL_LINE, is_donor, read_barcode

#: Codes of primary tumours, the preferred first: solid, blood, bone marrow.
_PRIMARY = ("01", "03", "09")
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
    "10": "normal blood", "11": "normal tissue", "20": "control", "40": "recurrent blood cancer", "50": "cell line",
}  # fmt: skip


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
    whose type is not known count as primary, and so do those of donors of GTEx. Ids of GTEx do not say which tissue a
    sample is of, so that several samples of a donor are refused: the user names those to take (`take_listed`).

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
        If no sample is primary, or a donor of GTEx has several.
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
        n = len({*samples["patient_id"][samples["code"] != CELL_LINE]} - {*primary["patient_id"]})
        reason = f"not primary: {words}"
        reason += f"; {counted(n, 'patient has', 'patients have')} no primary sample" if n else ""
        flow.add("samples: primary", len(samples), len(primary), reason)
    _refuse_tissues(primary, where)
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
        pairs = zip(primary["patient_id"], ranks, strict=True)
        if n := _n_undecided(pairs):
            reason += f"; {n} are not told apart by a barcode: the first by name"
        flow.add("samples: one per patient", len(primary), len(kept), reason)
    return samples.loc[samples.index.isin(kept.index)]


def take_listed(samples: pd.DataFrame, path: str | Path | None, where: str, flow: Flow) -> pd.DataFrame:
    """The samples that a file names.

    Parameters
    ----------
    samples : DataFrame
        As in `one_per_patient`.
    path : path or None
        A table or list whose first column holds names of samples, as the matrix writes them; None takes all.
    where : str
        The matrix, for the error.
    flow : Flow
        Takes a line for samples that are not in the file.

    Raises
    ------
    InputError
        If the file cannot be read, or names no sample of the matrix.
    """
    if path is None:
        return samples
    listed = {re.split(r"[\t,;]", line)[0].strip().strip('"') for line in read_text(path).split("\n")}
    kept = samples[samples["sample"].isin(listed)]
    if kept.empty:
        raise InputError(
            "the list names no sample of the matrix",
            where=f"{path}: {listing(filter(None, sorted(listed)), 3)}; {where}: {listing(samples['sample'], 3)}",
            fix="--samples FILE: a table whose first column has the names of samples as the matrix writes them",
        )
    if len(kept) < len(samples):
        flow.add("samples: listed", len(samples), len(kept), f"the others are not in {Path(path).name}")
    return kept


def _refuse_tissues(samples: pd.DataFrame, where: str) -> None:
    """Refuse several samples of a donor of GTEx, which are of different tissues."""
    donors = samples[samples["patient_id"].map(is_donor).astype(bool)]
    several = donors[donors["patient_id"].duplicated(keep=False)]
    if len(several):
        n = several["patient_id"].nunique()
        raise InputError(
            f"{counted(n, 'donor')} of GTEx {'has' if n == 1 else 'have'} several samples, "
            "and their ids do not say of which tissue",
            where=f"{where}: {listing(several['sample'], 4)}",
            fix="--samples FILE: a table whose first column names the samples to take, one of each donor, such as "
            "those of one tissue in the sample attributes of GTEx",
        )


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


def _n_undecided(ranked: Iterable[tuple[str, tuple]]) -> int:
    """Number of patients of whom two samples are alike in all but their names."""
    alike = Counter((patient, rank[:-1]) for patient, rank in ranked)
    return len({patient for (patient, _), n in alike.items() if n > 1})
