"""What all figures share: sizes, colours, fonts, and files with the same bytes each time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, cast

from sequoia_base.atomic import new_file
from sequoia_stats.errors import InputError, listing
from sequoia_stats.plots.text import shortened

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

P = ParamSpec("P")

#: Widths of journal columns, inches (89 and 183 mm).
SINGLE_COLUMN, DOUBLE_COLUMN = 89 / 25.4, 183 / 25.4
#: Okabe and Ito's colours, which colour-blind readers can distinguish.
BLUE, VERMILLION, GREEN, GREY, INK = "#0072B2", "#D55E00", "#009E73", "#7F7F7F", "#222222"
#: Colours of groups, in this order; they repeat if there are more groups.
PALETTE = (BLUE, VERMILLION, GREEN, "#CC79A7", "#E69F00", "#56B4E9", GREY)
#: The background of bars and cells.
PALE = "#E9E9E9"
#: Font sizes, points.
SMALL, BODY, TITLE = 6.5, 7.0, 8.0

_RC: Any = {
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": BODY,
    "text.color": INK,
    "text.usetex": False,
    "mathtext.fontset": "dejavusans",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.labelsize": BODY,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": BODY,
    "ytick.labelsize": BODY,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.visible": False,
    "ytick.minor.visible": False,
    "lines.linewidth": 1.2,
    "lines.solid_capstyle": "butt",
    "legend.frameon": False,
    "legend.fontsize": BODY,
    "svg.fonttype": "none",
    "svg.hashsalt": "sequoia",
    "path.simplify": False,
    "savefig.facecolor": "white",
}


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Run a drawing function with matplotlib's defaults and our style, regardless of the user's settings."""

    @wraps(draw)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with _style():
            return draw(*args, **kwargs)

    return wrapped


def new_figure(width: float, height: float) -> Figure:
    """An empty figure (size in inches) with its own Agg canvas, independent of pyplot."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def add_axes(figure: Figure, *, left: float, right: float, bottom: float, top: float) -> Axes:
    """Add axes with margins to the edges of the figure in inches."""
    width, height = figure.get_size_inches()
    return figure.add_axes(
        (left / width, bottom / height, (width - left - right) / width, (height - bottom - top) / height)
    )


def figure_of(axes: Axes) -> Figure:
    """The figure of axes; matplotlib's type would also allow a subfigure."""
    return cast("Figure", axes.figure)


def add_header(figure: Figure, title: str, *lines: str, left: float) -> float:
    """Write a bold title (if any) and lines of text at the top; return their height in inches."""
    width, height = figure.get_size_inches()
    y = 0.06
    if title:
        figure.text(left / width, 1 - y / height, title, size=TITLE, weight="bold", va="top")
        y += 0.17
    for line in lines:
        figure.text(left / width, 1 - y / height, line, size=BODY, va="top")
        y += 0.135
    return y + 0.03


def name_in_colours(figure: Figure, names: Iterable[str], *, left: float, top: float, gid: str) -> None:
    """Write names in one row, each in the colour of its place in `PALETTE`; left and top in inches."""
    width, height = figure.get_size_inches()
    for name, colour in zip(names, cycle(PALETTE), strict=False):
        word = shortened(str(name), 34)
        figure.text(left / width, 1 - top / height, word, color=colour, va="center", gid=gid)
        left += text_width(figure, word) + 0.2


def widest(figure: Figure, words: Iterable[str], **properties: Any) -> float:
    """Width of the widest of several texts, inches; 0 if there are none."""
    return max((text_width(figure, word, **properties) for word in words), default=0.0)


def text_width(figure: Figure, text: str, **properties: Any) -> float:
    """Width of a text as drawn, inches."""
    artist = figure.text(0, 0, text, **properties)
    width = artist.get_window_extent(figure.canvas.get_renderer()).width / figure.dpi  # type: ignore[attr-defined]
    artist.remove()
    return float(width)


def fitting(figure: Figure, name: str, width: float, **properties: Any) -> str:
    """A name of at most this width in inches as drawn, with the middle left out if it is longer."""
    if text_width(figure, name, **properties) <= width:
        return name
    shorter = (f"{name[: n - n // 2]}…{name[len(name) - n // 2 :]}" for n in range(len(name) - 1, 1, -1))
    return next(one for one in shorter if text_width(figure, one, **properties) <= width)


def check_columns(table: pd.DataFrame, columns: Iterable[str], what: str) -> None:
    """Refuse a table without the columns that a figure reads."""
    if absent := [column for column in columns if column not in table]:
        raise InputError(f"the table of {what} has no column {listing(absent)}")


@styled
def empty_figure(title: str, sentence: str) -> Figure:
    """A figure that says why there is nothing to draw."""
    figure = new_figure(SINGLE_COLUMN, 0.75)
    add_header(figure, title, sentence, left=0.1)
    return figure


def save_figure(figure: Figure, stem: str | Path) -> tuple[Path, Path]:
    """Write a figure as PNG (300 dpi) and SVG (text stays text); the same figure gives the same bytes.

    Parameters
    ----------
    figure : Figure
        Any figure, of this package or not.
    stem : str or Path
        Path without suffix. Its folder is created if it does not exist. Each file is written completely or not at
        all.

    Returns
    -------
    png, svg : Path
        The two files.
    """
    stem = Path(stem)
    stem.parent.mkdir(parents=True, exist_ok=True)
    png, svg = (stem.with_name(f"{stem.name}.{suffix}") for suffix in ("png", "svg"))
    with _style():
        with new_file(png) as temporary:
            figure.savefig(temporary, format="png", dpi=300, metadata={"Software": None})
        with new_file(svg) as temporary:
            figure.savefig(temporary, format="svg", dpi=300, metadata={"Date": None, "Creator": None})
    return png, svg


@contextmanager
def _style() -> Iterator[None]:
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_RC)
        yield
