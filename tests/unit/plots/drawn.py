"""What a figure shows, for tests of the numbers that it draws."""

from __future__ import annotations


def lines(figure):
    """Lines of the first axes by their gid."""
    return {line.get_gid(): line for line in figure.axes[0].lines if line.get_gid()}


def texts(figure, gid):
    """Texts of the first axes with that gid, in the order of drawing."""
    return [text for text in figure.axes[0].texts if text.get_gid() == gid]


def words(figure):
    """Everything written outside the axes' own labels."""
    return "\n".join(text.get_text() for text in [*figure.texts, *figure.axes[0].texts])
