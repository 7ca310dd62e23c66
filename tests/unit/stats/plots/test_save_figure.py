import subprocess
import sys

import pytest

from sequoia_stats.plots import forest, save_figure
from tests.unit.stats.plots.test_forest_plot import make_rows


def test_the_same_figure_gives_the_same_bytes(tmp_path):
    first, second = (save_figure(forest(make_rows()), tmp_path / stem) for stem in "ab")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_text_stays_text_and_no_date_is_written(tmp_path):
    _, svg = save_figure(forest(make_rows()), tmp_path / "a")
    content = svg.read_text(encoding="utf-8")
    assert ">Hazard ratio (95% CI)</text>" in content
    assert "<dc:date>" not in content


def test_resolution_is_300_dpi(tmp_path):
    from PIL import Image

    png, _ = save_figure(forest(make_rows()), tmp_path / "a")
    with Image.open(png) as image:
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        assert image.width == pytest.approx(183 / 25.4 * 300, abs=1)


def test_a_stem_with_dots_keeps_them(tmp_path):
    png, svg = save_figure(forest(make_rows()), tmp_path / "new" / "km.v1.2")
    assert (png.name, svg.name) == ("km.v1.2.png", "km.v1.2.svg")
    assert sorted(path.name for path in png.parent.iterdir()) == [png.name, svg.name]


def test_a_figure_that_cannot_be_drawn_leaves_nothing_behind(tmp_path):
    figure = forest(make_rows())
    figure.text(0.5, 0.5, "$\\frac{$")  # not a valid formula
    with pytest.raises(ValueError, match="frac"):
        save_figure(figure, tmp_path / "a")
    assert not list(tmp_path.iterdir())


def test_the_users_settings_neither_matter_nor_change(tmp_path):
    import matplotlib

    with matplotlib.rc_context({"font.size": 30, "svg.hashsalt": "other", "axes.facecolor": "red"}):
        theirs = save_figure(forest(make_rows()), tmp_path / "a")
        assert matplotlib.rcParams["font.size"] == 30
    ours = save_figure(forest(make_rows()), tmp_path / "b")
    assert [path.read_bytes() for path in theirs] == [path.read_bytes() for path in ours]


def test_importing_plots_loads_no_matplotlib():
    code = "import sys, sequoia_stats.plots; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_drawing_loads_no_pyplot():
    code = (
        "import sys; from tests.unit.stats.plots.test_forest_plot import *; forest(make_rows());"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
