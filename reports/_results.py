"""Results on a page: looked up and formatted, never computed.

Every number carries its origin: ``data-cell="hazard_ratios.csv|3|hr"`` is file, row and column; for JSON
the row is empty and the column is a path. Pointing at a number shows all its digits.
"""

from __future__ import annotations

import base64
import csv
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from string import Formatter
from typing import Any

from IPython.display import HTML

from sequoia_stats.plots import text

#: Folder of the results; `render.py` sets it.
RESULTS = Path(os.environ.get("SEQUOIA_RESULTS", Path(__file__).parent.parent / "analyses" / "results"))


class MissingResultError(Exception):
    """A result that a page needs is missing, so the page is not made."""


@dataclass(frozen=True)
class Record:
    """A row of a CSV file, or the content of a JSON file, with its address."""

    file: str
    row: str
    values: dict[str, Any]

    def __getitem__(self, column: str) -> Any:
        value: Any = self.values
        for key in [column] if column in self.values else column.split("."):
            if not isinstance(value, dict) or key not in value:
                raise MissingResultError(f"{RESULTS / self.file} has no {column}")
            value = value[key]
        return value

    def show(self, template: str) -> str:
        """Fill a template such as ``{hr:.2f} ({low:.2f}–{high:.2f})`` with marked values.

        A dash if the first value is undefined; the first value alone if a later one is. Specs: ``.2f``
        and ``,`` as in Python, ``p`` for a p-value, ``e`` for another small number, ``endpoint`` for its
        full name, none for text.
        """
        parts: list[str] = []
        for literal, column, spec, _ in Formatter().parse(template):
            parts.append(escape(literal))
            if column is None:
                continue
            value = self[column]
            if value is None or value == "":
                return parts[1] if len(parts) > 1 else text.DASH
            shown = escape(_format(value, spec or ""))
            address = escape(f"{self.file}|{self.row}|{column}")
            full = f' title="{escape(str(value))}"' if spec and spec != "endpoint" else ""
            parts.append(f'<span data-cell="{address}"{full}>{shown}</span>')
        return "".join(parts)


def read(file: str) -> list[Record]:
    """The rows of a CSV file, as text, or the one record of a JSON file."""
    if file.endswith(".json"):
        return [Record(file, "", json.loads(_content(file)))]
    rows = csv.DictReader(_content(file).decode("utf-8").splitlines())
    return [Record(file, str(i), dict(row)) for i, row in enumerate(rows)]


def table(
    source: str | Sequence[str | Record], columns: dict[str, str], title: str = "", **classes: str
) -> HTML:
    """A table with a row per record; `columns` maps headings to templates.

    Columns whose templates have a number format are aligned right; `classes` maps headings to CSS classes.
    """
    records = list(_records([source] if isinstance(source, str) else source))
    kinds = [classes.get(head) or ("number" if _is_number(columns[head]) else "text") for head in columns]
    heads = "".join(
        f'<th class="{kind}">{escape(head)}</th>' for head, kind in zip(columns, kinds, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f'<td class="{kind}">{record.show(template)}</td>'
            for template, kind in zip(columns.values(), kinds, strict=True)
        )
        + "</tr>"
        for record in records
    )
    body = body or f'<tr><td colspan="{len(columns)}">none</td></tr>'
    caption = f"<caption>{escape(title)}</caption>" if title else ""
    return HTML(
        f'<div class="scroll"><table>{caption}<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def paragraph(file: str, *templates: str) -> HTML:
    """A paragraph of templates filled from a JSON file; a template with an undefined value is left out."""
    (record,) = read(file)
    return HTML(f"<p>{' '.join(record.show(template) for template in templates)}</p>")


def figure(stem: str, width: str = "single") -> HTML:
    """A figure, inside the page, with its caption."""
    image = base64.b64encode(_content(f"{stem}.png")).decode()
    caption = escape(_content(f"captions/{stem}.txt").decode("utf-8").strip())
    alternative = caption.split(". ")[0]
    return HTML(
        f'<figure class="{width}"><img src="data:image/png;base64,{image}" alt="{alternative}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def folded(summary: str, content: HTML) -> HTML:
    """Content that is hidden until the reader opens it."""
    return HTML(f"<details><summary>{escape(summary)}</summary>{content.data}</details>")


def cohorts() -> list[str]:
    """The cohorts that the table of hazard ratios names, as in file names, in its order."""
    stems = {record["cohort"]: path for path in _validations() for record in read(path)}
    names = dict.fromkeys(record["cohort"] for record in read("hazard_ratios.csv"))
    absent = [name for name in names if name not in stems]
    if absent:
        raise MissingResultError(f"{RESULTS} has no validation of {', '.join(absent)}")
    return [stems[name].removeprefix("validation_").removesuffix(".json") for name in names]


def predicted() -> list[str]:
    """The cohorts with predictions, as in file names, in the order of the table of correlations."""
    stems = {record["cohort"]: path for path in _found("simulation_*.json") for record in read(path)}
    names = dict.fromkeys(record["level"] for record in read("correlations.csv"))
    absent = [name for name in names if name not in stems]
    if absent:
        raise MissingResultError(f"{RESULTS} has no simulation of {', '.join(absent)}")
    return [stems[name].removeprefix("simulation_").removesuffix(".json") for name in names]


def collections() -> list[str]:
    """The collections of gene sets, as in file names, the smallest first."""
    found = [path.removeprefix("ora_summary_").removesuffix(".csv") for path in _found("ora_summary_*.csv")]
    if not found:
        raise MissingResultError(f"{RESULTS} has no tests of gene sets (ora_summary_*.csv)")
    return sorted(found, key=lambda name: read(f"collection_{name}.json")[0]["sets"])


def _validations() -> list[str]:
    return _found("validation_*.json")


def _found(pattern: str) -> list[str]:
    return sorted(path.name for path in RESULTS.glob(pattern))


def _records(sources: Sequence[str | Record]) -> Iterator[Record]:
    for source in sources:
        if isinstance(source, Record):
            yield source
        else:
            yield from read(source)


@cache
def _content(file: str) -> bytes:
    try:
        return (RESULTS / file).read_bytes()
    except FileNotFoundError:
        raise MissingResultError(f"the result {RESULTS / file} is missing; `make figures` makes it") from None


def _is_number(template: str) -> bool:
    specs = [spec for _, column, spec, _ in Formatter().parse(template) if column is not None]
    return bool(specs[0]) and specs[0] != "endpoint"


def _format(value: Any, spec: str) -> str:
    match spec:
        case "":
            return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        case "endpoint":
            return text.endpoint_name(value)
        case "p":
            return text.p_value(float(value))
        case "e":
            return text.p_value(float(value)) if float(value) else "0"
        case ",":
            return f"{int(value):,}"
    return format(float(value), spec).replace("-", "−")
