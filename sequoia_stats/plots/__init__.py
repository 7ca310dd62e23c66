"""Figures: each function takes results and returns a matplotlib Figure; none computes a statistic.

matplotlib is imported when a figure is drawn, not when this package is imported.
"""

from __future__ import annotations

from sequoia_stats.plots._style import save_figure
from sequoia_stats.plots.coefficient_plot import coefficients
from sequoia_stats.plots.cv import cv_curve
from sequoia_stats.plots.forest_plot import forest
from sequoia_stats.plots.km import kaplan_meier

__all__ = ["coefficients", "cv_curve", "forest", "kaplan_meier", "save_figure"]
