"""Barcodes of samples: TCGA, TARGET, and the donors and cell line of GTEx."""

from __future__ import annotations

import re
from typing import NamedTuple

#: The code of cell lines, as TCGA and TARGET number them.
CELL_LINE = "50"
_BARCODE = re.compile(
    r"(?P<patient>TCGA-[A-Z0-9]{2}-[A-Z0-9]{4}|TARGET-\d\d-[A-Z0-9]{6})"
    r"(?:-(?P<code>\d\d)(?P<vial>[A-Z])?(?:-(?P<portion>\d\d)(?P<analyte>[A-Z])?(?:-(?P<plate>[A-Z0-9]+)(?:-\d\d)?)?)?)?"
)
#: A donor of GTEx, and what follows: the place in the body as a number of its own, and the aliquot.
_DONOR = re.compile(r"(?P<patient>GTEX-[A-Z0-9]{4,5})(?:-\d{4}(?:-\w+)*)?")
#: The cell line that GTEx sequenced again and again as a control.
_CONTROL = re.compile(r"(?P<patient>K-562)-SM-\w+")


class Barcode(NamedTuple):
    """What a barcode says of a sample.

    Parameters
    ----------
    patient : str
        The patient, or the donor of GTEx, in capitals and with hyphens.
    code : str
        Two digits of the sample type; "" if the barcode does not say it.
    vial : str
        The letter of the vial, or "".
    analyte : str
        The letter of the analyte, or "".
    portion, plate : str
        As in the barcode, or "".
    """

    patient: str
    code: str = ""
    vial: str = ""
    analyte: str = ""
    portion: str = ""
    plate: str = ""


def read_barcode(name: str) -> Barcode | None:
    """The parts of a barcode of TCGA, TARGET or GTEx; None for other names.

    R's dots count as hyphens, and small letters as capitals.

    Examples
    --------
    >>> read_barcode("TCGA-A1-A0SB-01A-11R-A144-07")
    Barcode(patient='TCGA-A1-A0SB', code='01', vial='A', analyte='R', portion='11', plate='A144')
    >>> read_barcode("GTEX-1117F-0226-SM-5GZZ7").patient
    'GTEX-1117F'
    """
    name = name.strip().replace(".", "-").upper()
    if found := _BARCODE.fullmatch(name):
        return Barcode(*(found[part] or "" for part in Barcode._fields))
    if found := _DONOR.fullmatch(name):
        return Barcode(found["patient"])
    if found := _CONTROL.fullmatch(name):
        return Barcode(found["patient"], CELL_LINE)
    return None


def is_donor(patient: str) -> bool:
    """Whether a patient is a donor of GTEx."""
    return bool(_DONOR.fullmatch(patient))
