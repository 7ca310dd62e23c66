"""The rows and fields of a delimited text: which delimiter, where a quote ends, and a header that R wrote one short."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sequoia_base.errors import InputError, counted, listing

#: A row of the file (1-based line number) and its text, or its fields if the text alone does not show them.
Row = tuple[int, str | list[str]]
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
#: Titles of a first column of ids. Under such a title, R's header that is one short would be read by mistake.
_ID_TITLE = re.compile(
    r"(patient|sample|case|slide|subject|gene)s?[ ._-]?(name|number|no|code|barcode|identifier|symbol)?s?|"
    r"(gene[ ._-]?)?symbol|hugo.*|(.*[^a-z])?id|(patient|sample|case|slide|subject|gene)ids?",
    re.IGNORECASE,
)
#: A word that ends a row of two words, of which the first is a row name.
_VALUE = re.compile(r"[+-]?\.?\d\S*|NA|NaN", re.IGNORECASE)
#: The line that tells Excel which delimiter a file has; the other lines show it as well.
_SEPARATOR = re.compile(r"sep=.\s*", re.IGNORECASE)
#: How many lines are looked at to find the delimiter.
_LOOKED_AT = 6


@dataclass(frozen=True)
class Records:
    """A delimited text, cut into rows.

    Parameters
    ----------
    header : list of str
        Stripped titles; the first is "" if R left it out.
    delimiter : str
        A blank stands for any number of them.
    rows : list of tuple
        The rows that are not empty: line number, and text or fields.
    """

    header: list[str]
    delimiter: str
    rows: list[Row]

    def fields(self, row: str | list[str]) -> list[str]:
        """The fields of a row, as in the file."""
        if isinstance(row, list):
            return row
        return row.split() if self.delimiter == " " else row.split(self.delimiter)


def read_records(text: str, path: str | Path, *, comment: str = "", quoted: bool = True) -> Records:
    """Cut a text into a header and rows.

    Parameters
    ----------
    text : str
        Lines end in a line feed.
    path : path
        The file, for its ending and for errors.
    comment : str, optional
        Lines at the top that start with this are skipped.
    quoted : bool, default True
        Whether a field may be quoted. If not, a quote is a character like any other.

    Raises
    ------
    InputError
        If a quote is not closed, or text follows a closing quote; if there are no rows.
    """
    lines = text.split("\n")
    at = 0
    if _SEPARATOR.fullmatch(lines[0]):
        at = 1
    while comment and lines[at].startswith(comment) and at < len(lines) - 1:
        at += 1
    delimiter = _delimiter(path, [line for line in lines[at : at + _LOOKED_AT] if line.strip()], quoted)
    cut = _Cutter(lines, delimiter, path, quoted)
    _, first = next(cut.rows(at), (0, ""))
    unnamed = Records([], delimiter, [])
    header = [title.strip() for title in unnamed.fields(first)]
    cut.width, cut.spaced = len(header), f"{delimiter} " in lines[max(at, cut.end) - 1]
    rows = list(cut.rows(max(at, cut.end)))
    if not rows:
        raise InputError("the table has a header and no rows", where=str(path))
    if _is_one_short(header, [unnamed.fields(row) for _, row in rows[:_LOOKED_AT]]):
        header = ["", *header]
    return Records(header, delimiter, rows)


def refuse_ragged(path: str | Path, row: int, n: int, records: Records) -> None:
    """Refuse a row that has more or fewer fields than the header."""
    expected = len(records.header)
    if n == expected:
        return
    fix = "every row needs as many fields as the header"
    first_row, first = records.rows[0]
    if n == expected - 1 and len(records.fields(first)) == expected and records.header[0] == "":
        row, n, expected = first_row, expected, n  # the header is not one short after all
    if n == expected + 1:
        fix += "; the header may lack the name of the first column (R: write.table with col.names=NA)"
    begin = [listing(map(repr, fields[:2])) for fields in (records.header, records.fields(first))]
    raise InputError(
        f"a row has {counted(n, 'field')}, the header has {expected}",
        where=f"{path}, row {row}; the header begins with {begin[0]}, row {first_row} with {begin[1]}",
        fix=fix,
    )


def split_line(line: str, delimiter: str, path: str | Path, row: int) -> list[str]:
    """The fields of one line, of which some may be quoted.

    Parameters
    ----------
    line : str
        A line of a file.
    delimiter : str
        What separates the fields.
    path, row : path, int
        File and line number, for errors.

    Raises
    ------
    InputError
        If a quote is not closed, or text follows a closing quote.
    """
    if '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True, skipinitialspace=True))
    except csv.Error as error:
        raise _bad_quote(str(error), line, f"{path}, row {row}") from None


class _Cutter:
    """Joins the lines of a quoted field that holds line breaks, and refuses a quote that swallows rows."""

    def __init__(self, lines: Sequence[str], delimiter: str, path: str | Path, quoted: bool) -> None:
        self.lines, self.delimiter, self.path, self.quoted = lines, delimiter, path, quoted
        #: Number of columns, and whether blanks follow the delimiters, once the header is known.
        self.width, self.spaced = 0, False
        #: Index of the line after the last row that was cut.
        self.end = 0

    def rows(self, start: int) -> Iterator[Row]:
        at, empty = start, f"{self.delimiter} "
        while at < len(self.lines):
            line, row = self.lines[at], at + 1
            at = self.end = at + 1
            if not line.strip(empty).strip():
                continue
            if not (self.quoted and '"' in line):
                yield row, line
                continue
            fields = self._quoted(row)
            at = self.end
            if any(fields):
                yield row, fields

    def _quoted(self, row: int) -> list[str]:
        try:
            fields, n = self._parsed(row - 1)
        except csv.Error as error:
            for change in (_r_quotes, self._no_blanks_after_quotes):
                with suppress(csv.Error):
                    fields, n = self._parsed(row - 1, change)
                    break
            else:
                raise _bad_quote(str(error), self.lines[row - 1], f"{self.path}, row {row}") from None
        self.end = row - 1 + n
        joined = self.lines[row - 1 : self.end]
        if len(joined) > 1 and self.width > 1 and any(map(self._looks_whole, joined[1:])):
            raise _bad_quote("", self.lines[row - 1], f"{self.path}, row {row}")
        return fields

    def _no_blanks_after_quotes(self, line: str) -> str:
        return re.sub(rf'" +(?={re.escape(self.delimiter)}|$)', '"', line)

    def _parsed(self, at: int, change: Callable[[str], str] = str) -> tuple[list[str], int]:
        """The fields of the row that begins in a line, and its number of lines."""
        following = (self.lines[i] for i in range(at, len(self.lines)))
        if self.delimiter == " ":
            following = (line.strip() for line in following)
        lines = (f"{change(line)}\n" for line in following)
        reader = csv.reader(lines, delimiter=self.delimiter, strict=True, skipinitialspace=True)
        return next(reader), reader.line_num

    def _looks_whole(self, line: str) -> bool:
        """Whether a line would be a row of its own, if quotes meant nothing."""
        prose = 0 if self.spaced else line.count(f"{self.delimiter} ")
        return line.count(self.delimiter) - prose == self.width - 1


def _r_quotes(line: str) -> str:
    """A line in which R's write.table put a backslash before a quote within quotes."""
    return line.replace('\\"', '""')


def _bad_quote(reason: str, line: str, where: str) -> InputError:
    if "field larger" in reason and line.count('"') % 2 == 0:
        return InputError(f"the table cannot be read: {reason}", where=where)
    if "expected after" in reason and line.count('"') % 2 == 0:
        fix = 'write "" for a quote within a quoted cell (R: qmethod="double"), or take the quotes away'
        return InputError("text follows the closing quote of a cell", where=where, fix=fix)
    return InputError("a quote is opened and not closed", where=where, fix="close the quote, or take it away")


def _delimiter(path: str | Path, lines: Sequence[str], quoted: bool) -> str:
    """The one that cuts the first lines into the most fields, equally many in each; else the header decides."""
    suffixes = [suffix for suffix in Path(path).suffixes if suffix not in (".gz", ".zip")]
    expected = _DELIMITERS.get(suffixes[-1].lower() if suffixes else "", "\t")
    bare = [_unquoted(line) for line in lines] if quoted else list(lines)
    head = bare[0] if bare else ""
    ranked = dict.fromkeys([expected, "\t", ",", ";", "|"])
    regular = {sign: head.count(sign) for sign in ranked if sign in head and _is_regular(bare, sign)}
    if regular:
        return "\t" if "\t" in regular else max(regular, key=regular.__getitem__)
    if any(sign in head for sign in ranked):
        return expected if expected in head else max(ranked, key=head.count)
    words = [len(line.split()) for line in bare]
    is_table = (
        len(words) > 1 and min(words[1:]) > 1 and words[1] - words[0] in (0, 1) and len({*words[1:]}) == 1
    )
    if is_table and words[0] == 1:  # one column and row names, or a list of names of two words
        is_table = all(_VALUE.fullmatch(line.split()[-1]) for line in bare[1:])
    return " " if is_table else expected


def _is_regular(lines: Sequence[str], sign: str) -> bool:
    """Whether all rows have as many fields as the header, or all one more."""
    counts = [line.count(sign) for line in lines]
    return len({*counts[1:]}) <= 1 and (counts[-1] - counts[0] in (0, 1))


def _unquoted(line: str) -> str:
    """A line without what is quoted in it."""
    return re.sub(r'"[^"]*"', "Q", line)


def _is_one_short(header: list[str], rows: Sequence[list[str]]) -> bool:
    """Whether R left out the title of the row names, which are numbers or stand under no title of ids."""
    if not header[0] or any(len(row) != len(header) + 1 or not row[0].strip() for row in rows):
        return False
    if all(not row[-1].strip() for row in rows):  # a delimiter at the end of the row
        return False
    names = [row[0].strip() for row in rows]
    if len({*names}) < len(names):
        return False
    under = [row[1].strip() for row in rows]
    if names == under or not _ID_TITLE.fullmatch(header[0]):
        return True
    numbered = all(name.isdecimal() for name in names)
    has_ids = len({*under}) == len(under) > 1 and not any(_VALUE.fullmatch(text) for text in under)
    return names == [str(i) for i in range(1, len(names) + 1)] or (numbered and has_ids)
