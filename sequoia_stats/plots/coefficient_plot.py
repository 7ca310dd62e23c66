"""The genes of a signature and their coefficients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sequoia_stats.errors import counted
from sequoia_stats.plots import _style as style
from sequoia_stats.plots import text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sequoia_stats.signature import Signature

_ROW = 0.135  # height of a gene, inches
_MOST = 60  # genes that fit a page
_UNITS = {
    "rank": "rank-normalised expression",
    "zscore": "standardised expression",
    "log2": "log2 expression",
    "none": "expression",
}


@style.styled
def coefficients(signature: Signature) -> Figure:
    """Draw the coefficients of a signature, the largest at the top.

    Parameters
    ----------
    signature : Signature
        The signature; its ``genes``, ``coefficients`` (log hazard ratio per unit of transformed expression),
        ``transform`` and ``endpoint`` are used.

    Returns
    -------
    Figure
        89 mm wide, and higher with more genes. At most 60 genes are shown, those with the largest coefficients; the
        title then says so. The line ``coefficients`` has the values from top to bottom.
    """
    title = f"{counted(len(signature.genes), 'gene')}, {text.endpoint_name(signature.endpoint)}"
    if not len(signature.genes):
        return style.empty_figure(title, "The signature has no genes.")
    values = np.asarray(signature.coefficients, dtype=float)
    chosen = np.sort(np.argsort(-np.abs(values), kind="stable")[:_MOST])
    order = chosen[np.argsort(-values[chosen], kind="stable")]
    genes, values = [str(signature.genes[i]) for i in order], values[order]
    if len(signature.genes) > _MOST:
        title = f"{_MOST} largest of {title}"
    y = -np.arange(len(values), dtype=float)
    figure = style.new_figure(style.SINGLE_COLUMN, 0.85 + _ROW * (len(values) + 1))
    header = style.add_header(figure, title, left=0.1)
    margin = max(style.text_width(figure, gene, size=style.BODY, style="italic") for gene in genes)
    axes = style.add_axes(figure, left=margin + 0.22, right=0.2, top=header, bottom=0.55)
    colours = np.where(values > 0, style.VERMILLION, style.BLUE)
    axes.hlines(y, 0, values, color=colours, linewidth=1.1, gid="stems")
    axes.plot(values, y, linestyle="none", gid="coefficients")
    axes.scatter(values, y, s=14, c=colours, zorder=3, linewidths=0)
    axes.axvline(0, color=style.GREY, linewidth=0.6, zorder=1)
    axes.set_yticks(y, genes, style="italic")
    axes.tick_params(axis="y", length=0, pad=3)
    axes.set_ylim(y.min() - 0.7, 0.7)
    axes.margins(x=0.06)
    axes.spines["left"].set_visible(False)
    unit = _UNITS.get(signature.transform.name, "expression")
    axes.set_xlabel(f"Coefficient: log hazard ratio per unit of\n{unit}")
    return figure
