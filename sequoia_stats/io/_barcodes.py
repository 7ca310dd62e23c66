"""TCGA barcodes: which patient, which sample, and whether it is the primary tumour."""

from __future__ import annotations

import re

_BARCODE = re.compile(r"(TCGA[-.]\w{2}[-.]\w{4})(?:[-.](\d\d)(?:[A-Z](?:[-.].*)?)?)?")
#: Sample type codes of primary tumours: solid, and blood derived.
_PRIMARY = ("01", "03")


def tcga_patient(name: str) -> str:
    """The 12 characters that name the patient; any other name is returned as it is.

    Examples
    --------
    >>> tcga_patient("TCGA-A1-A0SB-01A-11R-A144-07"), tcga_patient("MB-0002")
    ('TCGA-A1-A0SB', 'MB-0002')
    """
    found = _BARCODE.fullmatch(name)
    return found[1].replace(".", "-") if found else name


def tcga_sample(name: str) -> str:
    """The 15 characters that name the sample, as far as the barcode has them; any other name as it is."""
    found = _BARCODE.fullmatch(name)
    return f"{tcga_patient(name)}-{found[2]}" if found and found[2] else tcga_patient(name)


def is_primary(name: str) -> bool | None:
    """Whether a barcode is of a primary tumour; None where the name does not say."""
    found = _BARCODE.fullmatch(name)
    return found[2] in _PRIMARY if found and found[2] else None
