"""Pieces of the page ``summary.md``, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sequoia_model.leakage import Audit


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The lines of a table.

    Parameters
    ----------
    head : sequence of str
        Titles of the columns.
    rows : iterable of sequence
        A cell per column, printed as it is.

    Examples
    --------
    >>> list(markdown_table(["fold", "C"], [[0, ".61"]]))
    ['| fold | C |', '| --- | --- |', '| 0 | .61 |']
    """
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(map(str, row))} |"


def with_audit(page: str, audited: Audit) -> str:
    """A page that ends with the audit of the splits."""
    return f"{page.rstrip()}\n\n## Audit of the splits\n\n```\n{audited}\n```\n"
