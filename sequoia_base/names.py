"""Names of patients, samples and slides, above all those of TCGA.

Names of slides and cells of tables are read differently on purpose. A slide is a file, so its name may be in lower
case, and anything may follow the patient. A cell of a table holds a barcode and nothing else, in capitals; R turns
its hyphens into dots.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

from sequoia_base.errors import InputError, counted, listing

#: A patient, followed by the two digits of the sample type if the barcode has them.
_BARCODE = re.compile(r"(TCGA[-.][A-Z0-9]{2}[-.][A-Z0-9]{4})(?![A-Z0-9])(?:[-.](\d\d)(?:[A-Z](?:[-.].*)?)?)?")
#: Sample type codes of primary tumours: solid, and blood derived.
_PRIMARY = ("01", "03")
_ENDING = re.compile(
    r"\.(h5|hdf5|svs|svslide|ndpi|p?tiff?|gtif|btf|tf[28]|ome|mrxs|scn|vms|vmu|bif|czi|vsi|zvi|lif|qptiff|isyntax|sdpc|"
    r"dcm|png|jpe?g)$",
    re.IGNORECASE,
)


def patient_of(slide: str) -> str | None:
    """The patient that the name of a slide starts with: 12 characters, in capitals; None if it is not a barcode.

    Examples
    --------
    >>> patient_of("TCGA-3C-AALI-01Z-00-DX1.F6E9A5DF"), patient_of("S12-345")
    ('TCGA-3C-AALI', None)
    """
    found = _BARCODE.match(slide.strip().upper())
    return found[1] if found and "." not in found[1] else None


def tissue_source_site(patient: str) -> str | None:
    """The site that collected a TCGA patient's tissue: the two characters after ``TCGA-``; None for other names.

    Examples
    --------
    >>> tissue_source_site("TCGA-3C-AALI")
    '3C'
    """
    barcode = patient_of(patient)
    return barcode[5:7] if barcode else None


def bare_slide(name: str) -> str:
    """The name of a slide without its folders and without the endings of slides, images and feature files.

    Examples
    --------
    >>> bare_slide("slides/S12-345.ome.tif"), bare_slide("C2_HE.jpg")
    ('S12-345', 'C2_HE')
    """
    name = Path(name.strip()).name
    while (shorter := _ENDING.sub("", name)) != name and shorter:
        name = shorter
    return name


def tcga_patient(cell: str) -> str:
    """The patient of a barcode in a table, with hyphens; any other name is returned unchanged.

    Examples
    --------
    >>> tcga_patient("TCGA-A1-A0SB-01A-11R-A144-07"), tcga_patient("TCGA.A1.A0SB.01"), tcga_patient("MB-0002")
    ('TCGA-A1-A0SB', 'TCGA-A1-A0SB', 'MB-0002')
    """
    found = _BARCODE.fullmatch(cell)
    return found[1].replace(".", "-") if found else cell


def tcga_sample(cell: str) -> str:
    """The patient of a barcode in a table, with the sample type if there is one; any other name is unchanged.

    Examples
    --------
    >>> tcga_sample("TCGA-A1-A0SB-01A-11R-A144-07"), tcga_sample("TCGA-A1-A0SB")
    ('TCGA-A1-A0SB-01', 'TCGA-A1-A0SB')
    """
    found = _BARCODE.fullmatch(cell)
    return f"{tcga_patient(cell)}-{found[2]}" if found and found[2] else tcga_patient(cell)


def is_primary(cell: str) -> bool | None:
    """Whether a barcode in a table belongs to a primary tumour; None if it does not say."""
    found = _BARCODE.fullmatch(cell)
    return found[2] in _PRIMARY if found and found[2] else None


def table_stem(path: str | Path) -> str:
    """The name of a table's file without its ending; other points stay.

    Examples
    --------
    >>> table_stem("runs/risk.csv"), table_stem("scores.v2.csv.gz"), table_stem("scores.v2")
    ('risk', 'scores.v2', 'scores.v2')
    """
    name = Path(path).name
    return re.sub(r"(\.(csv|tsv|txt))?(\.(gz|zip))?$", "", name, flags=re.IGNORECASE) or name


def hashed_patients(ids: Iterable[str]) -> list[str]:
    """The SHA-256 of each patient's id (UTF-8) as hexadecimal digits, sorted: who was there, without their names.

    Examples
    --------
    >>> [digest[:8] for digest in hashed_patients(["P2", "P1", "P2"])]
    ['acbbb742', 'fbeae7c1']
    """
    return sorted(sha256(patient.encode()).hexdigest() for patient in set(ids))


def refuse_open_quotes(names: Iterable[object], where: object, noun: str = "id") -> None:
    """Refuse texts of a table that hold one quote of two, as where a cell was cut: they would match no other.

    Parameters
    ----------
    names : iterable
        Identifiers or values; anything but a text is passed over.
    where : object
        Where they are from, for the error.
    noun : str, default "id"
        What they are, for the error.

    Raises
    ------
    InputError
        If there are any.
    """
    odd = dict.fromkeys(name for name in names if isinstance(name, str) and name.count('"') % 2)
    if odd:
        raise InputError(
            f"{counted(len(odd), f'{noun} has', f'{noun}s have')} a quote that is opened or closed alone: "
            f"{listing(odd)}",
            where=str(where),
            fix="write the quote at both ends, or take it away",
        )


def written_otherwise(names: Iterable[str], others: Iterable[str]) -> list[tuple[str, str]]:
    """Names that are not among the others, but differ from one of them only in how it is written.

    Leading zeros, also after letters, a decimal point or an exponent of whole numbers, capitals, and the dots that R
    puts in place of other characters make no difference. Names that are alike within one of the tables are not meant.

    Parameters
    ----------
    names, others : iterable of str
        The identifiers of two tables.

    Returns
    -------
    list of tuple of two str
        A name, and the other that it seems to be, which is not among the names.

    Examples
    --------
    >>> written_otherwise(["007", "8", "TCGA.A1"], ["7", "8", "TCGA-A1", "9"])
    [('007', '7'), ('TCGA.A1', 'TCGA-A1')]
    """
    ours, theirs = dict.fromkeys(map(str, names)), dict.fromkeys(map(str, others))
    alike = [Counter(map(_plain, side)) for side in (ours, theirs)]
    plain = {_plain(other): other for other in theirs if other not in ours}
    pairs = [(name, _plain(name)) for name in ours if name not in theirs]
    return [
        (name, plain[word]) for name, word in pairs if word in plain and alike[0][word] == alike[1][word] == 1
    ]


def _plain(name: str) -> str:
    word = re.sub(r"^x(?=\d)", "", name.lower())
    if re.fullmatch(r"\d+(\.0+)?|\d(\.\d+)?e\+?\d{1,2}", word):
        number = Decimal(word)
        if number == number.to_integral_value():
            return str(int(number))
    word = re.sub(r"[^a-z0-9]", ".", word)
    return word if re.fullmatch(r"\d+\.\d+", word) else re.sub(r"(?<!\d)0+(?=\d)", "", word)
