"""A quote that is opened in one row of a CSV and closed in another, and hides the rows between them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Protocol

from sequoia_model.errors import InputError


class _Readable(Protocol):
    def read(self, n: int = -1, /) -> bytes: ...


class QuoteWatch:
    """Passes the bytes of a CSV on, and refuses quotes that swallow rows.

    A quoted cell may hold line breaks, but not lines that all have as many delimiters as the header: these are rows.

    Parameters
    ----------
    file : binary file
        What is read.
    path : path
        Its name, for the error.
    delimiter : str
        What separates the fields.
    width : int
        Number of columns.
    """

    closed = False

    def __init__(self, file: _Readable, path: Path, delimiter: str, width: int) -> None:
        self._file, self._path, self._delimiter, self._width = file, path, delimiter, width
        self._rest, self._row = b"", 0
        self._opened: list[str] = []  # the lines since a quote was opened

    def read(self, n: int = -1) -> bytes:
        """The next bytes.

        Raises
        ------
        InputError
            If a quote that was opened in an earlier row is closed in these bytes, or never.
        """
        data = self._file.read(n)
        *lines, self._rest = (self._rest + data).split(b"\n")
        if not data and self._rest:
            lines, self._rest = [self._rest], b""
        if not self._opened and not any(b'"' in line for line in lines):
            self._row += len(lines)
            return data
        for line in lines:
            self._look_at(line.decode("latin-1"))
        if self._opened and not data:
            raise self._refusal()
        return data

    def _look_at(self, line: str) -> None:
        self._row += 1
        if not self._opened and '"' not in line:
            return
        self._opened.append(line)
        if '"' in line and self._is_closed():
            if len(self._opened) > 1 and all(self._is_row(line) for line in self._opened):
                raise self._refusal()
            self._opened = []

    def _is_closed(self) -> bool:
        try:
            list(csv.reader((f"{line}\n" for line in self._opened), delimiter=self._delimiter, strict=True))
        except csv.Error as error:
            if "unexpected end" not in str(error):
                raise self._refusal() from None
            return False
        return True

    def _is_row(self, line: str) -> bool:
        return line.count(self._delimiter) == self._width - 1

    def _refusal(self) -> InputError:
        where = f"{self._path}, row {self._row - len(self._opened) + 1}"
        return InputError(
            "a quote is opened and not closed", where=where, fix="close the quote, or take it away"
        )
