"""A file for h5py on a disk that is full."""

from __future__ import annotations

import io

import pytest

from sequoia_base.sink import Sink


@pytest.fixture
def sink(tmp_path):
    """A file of which only 10 bytes fit on the disk."""

    class Small(Sink):
        def _put(self, data):
            room = 10 - self.tell()
            if room <= 0:
                raise OSError(28, "No space left on device")
            return super()._put(data[:room])

    with Small(tmp_path / "file") as made:
        yield made


def test_the_first_error_is_kept_and_what_could_not_be_written_is_read_back(sink):
    assert sink.write(b"0123456") == 7 and sink.error is None
    assert sink.write(b"789abcd") == 7
    sink.seek(20)
    assert sink.write(b"xyz") == 3
    sink.seek(5)
    buffer = bytearray(20)
    assert sink.readinto(buffer) == 20
    assert bytes(buffer) == b"56789abcd" + bytes(6) + b"xyz" + bytes(2)
    with pytest.raises(OSError, match="No space left"), sink.writing():
        raise RuntimeError("what HDF5 says")


def test_what_is_written_later_counts(sink):
    sink.write(b"0123456789abcdef")
    sink.seek(12)
    sink.write(b"XX")
    sink.seek(10)
    buffer = bytearray(6)
    sink.readinto(buffer)
    assert bytes(buffer) == b"abXXef"


def test_an_error_that_is_not_of_the_disk_passes(tmp_path):
    with Sink(tmp_path / "file") as sink, pytest.raises(ValueError, match="ours"), sink.writing():
        raise ValueError("ours")


def test_an_interruption_inside_of_a_write_is_raised_after_it(tmp_path):
    class Interrupted(Sink):
        def _put(self, data):
            raise KeyboardInterrupt

    with Interrupted(tmp_path / "file") as sink:
        with pytest.raises(KeyboardInterrupt), sink.writing():
            told = sink.write(b"abc")
        assert told == 3  # HDF5 continues normally
        sink.seek(0, io.SEEK_SET)
        assert sink.truncate(2) == 2
