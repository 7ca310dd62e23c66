"""Which DICOM files belong to one slide: in both encodings, past sequences, and without harm from damage."""

from __future__ import annotations

import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sequoia_model.slide._dicom import only_slide_in, series_of
from tests.build.dicom import SLIDE_CLASS, encoded, write_dicom, write_dicom_slide
from tests.build.slides import make_picture

OPEN = 0xFFFFFFFF


def nested(head: bytes, element: bytes) -> bytes:
    """A sequence of undefined length with one item of undefined length."""
    start, *ends = (struct.pack("<HHI", 0xFFFE, *pair) for pair in ((0xE000, OPEN), (0xE00D, 0), (0xE0DD, 0)))
    return struct.pack("<HH", 8, 0x1115) + head + start + element + b"".join(ends)


def implicit(tag: tuple[int, int], text: str) -> bytes:
    data = text.encode() + b"\0" * (len(text) % 2)
    return struct.pack("<HHI", *tag, len(data)) + data


def explicit(tag: tuple[int, int], text: str) -> bytes:
    return encoded(tag, b"UI", text)


@pytest.mark.parametrize(
    ("syntax", "write", "head"),
    [
        ("1.2.840.10008.1.2", implicit, struct.pack("<I", OPEN)),
        ("1.2.840.10008.1.2.1", explicit, b"SQ" + struct.pack("<HI", 0, OPEN)),
    ],
)
def test_the_series_of_a_slide_is_read_and_not_that_of_a_reference(tmp_path, syntax, write, head):
    other = nested(head, write((0x20, 0x0E), "9.9"))
    body = write((8, 0x16), SLIDE_CLASS) + other + write((0x20, 0x0E), "1.2.77")
    path = tmp_path / "a.dcm"
    path.write_bytes(bytes(128) + b"DICM" + explicit((2, 0x10), syntax) + body)
    assert series_of(path) == "1.2.77"


def test_a_radiological_image_belongs_to_no_slide(tmp_path):
    assert series_of(write_dicom(tmp_path / "ct.dcm")) is None


def test_a_folder_holds_one_slide_or_none(tmp_path):
    write_dicom_slide(tmp_path / "one", make_picture())
    write_dicom(tmp_path / "one" / "ct.dcm")
    assert only_slide_in(tmp_path / "one") == tmp_path / "one" / "level0.dcm"
    write_dicom_slide(tmp_path / "one", make_picture(), series="5.6", names=("other.dcm",))
    assert only_slide_in(tmp_path / "one") is None


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(st.tuples(st.integers(128, 330), st.integers(0, 255)), max_size=4),
    cut=st.integers(0, 400),
)
def test_a_damaged_file_does_no_harm(tmp_path, changes, cut):
    content = bytearray(write_dicom(tmp_path / "a.dcm", sop_class=SLIDE_CLASS).read_bytes())
    for place, value in changes:
        content[place % len(content)] = value
    (tmp_path / "b.dcm").write_bytes(content[:cut])
    found = series_of(tmp_path / "b.dcm")
    assert found is None or isinstance(found, str)
