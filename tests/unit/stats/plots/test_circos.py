import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.plots import chord_diagram, save_figure
from sequoia_stats.plots.circos import _spread
from tests.build.drawn import beyond_the_edge, patches, texts, words


def make_links(sources=4, targets=12, seed=0):
    generator = np.random.default_rng(seed)
    rows = [
        (f"L{i}", f"HALLMARK_SET_{j}", float(generator.integers(1, 40)))
        for i in range(sources)
        for j in range(targets)
        if generator.random() < 0.5
    ]
    return pd.DataFrame(rows, columns=["source", "target", "weight"])


def test_every_pair_is_a_ribbon_in_the_colour_of_its_source():
    links = make_links()
    ribbons = patches(chord_diagram(links).axes[0], "link-")
    assert len(ribbons) == len(links)
    colours = pd.DataFrame(
        {
            "source": links["source"],
            "colour": [ribbons[f"link-{i}"].get_facecolor() for i in range(len(links))],
        }
    )
    assert (colours.groupby("source")["colour"].nunique() == 1).all()
    assert colours.groupby("source")["colour"].first().nunique() == 4


def test_a_ribbon_is_as_wide_as_its_weight():
    links = pd.DataFrame({"source": ["A", "A", "B"], "target": ["x", "y", "y"], "weight": [1.0, 2.0, 3.0]})
    ribbons = patches(chord_diagram(links).axes[0], "link-")
    # the first arc of the path runs along the source's sector: its angles are those of the vertices on the circle
    widths = []
    for i in range(3):
        angle, radius = ribbons[f"link-{i}"].get_path().vertices.T
        on_source = np.isclose(radius, radius.max()) & (angle < np.pi)
        widths.append(np.ptp(angle[on_source]))
    np.testing.assert_allclose(np.array(widths) / widths[0], [1, 2, 3], rtol=1e-6)


def test_names_go_around_in_their_order():
    links = make_links()
    figure = chord_diagram(links)
    assert [text.get_text() for text in texts(figure, "source")] == ["L0", "L1", "L2", "L3"]
    targets = list(dict.fromkeys(links["target"]))[::-1]
    assert [text.get_text() for text in texts(figure, "target")] == [
        name.removeprefix("HALLMARK_").replace("SET_", "Set ") for name in targets
    ]


def test_without_weights_all_ribbons_are_alike():
    links = make_links().drop(columns="weight")
    assert len(patches(chord_diagram(links).axes[0], "link-")) == len(links)


def test_genes_are_written_in_italics():
    figure = chord_diagram(make_links(), italic=["source"])
    assert {text.get_style() for text in texts(figure, "source")} == {"italic"}
    assert {text.get_style() for text in texts(figure, "target")} == {"normal"}


def test_only_the_targets_with_most_links_are_drawn_and_the_title_says_so():
    links = make_links(sources=5, targets=30)
    figure = chord_diagram(links, most=10)
    drawn = texts(figure, "target")
    most = links["target"].value_counts().nlargest(1).index[0]
    assert len(drawn) == 10
    assert most.removeprefix("HALLMARK_").replace("SET_", "Set ") in {text.get_text() for text in drawn}
    assert "10 of 30 with most links" in words(figure)


def test_no_pair_is_a_sentence():
    assert "no links to draw" in chord_diagram(make_links()[:0]).texts[1].get_text()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda links: links.drop(columns="target"), "has no column target"),
        (lambda links: pd.concat([links, links[:1]]), "is duplicated"),
        (lambda links: links.assign(weight=0.0), "must be positive"),
        (lambda links: links.replace("L0", "HALLMARK_SET_1"), "a name cannot be both a source and a target"),
    ],
)
def test_links_that_cannot_be_drawn_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        chord_diagram(change(make_links()))


@pytest.mark.parametrize(("sources", "targets"), [(1, 1), (3, 8), (16, 40), (40, 6)])
def test_names_stay_within_the_figure(sources, targets):
    links = make_links(sources, targets, seed=1) if targets > 1 else make_links(8, 1)[:1]
    links["target"] = "GO_REGULATION_OF_" + links["target"] + "_IN_RESPONSE_TO_STRESS"
    assert not beyond_the_edge(chord_diagram(links, title="A heading", note="A line"))


@pytest.mark.parametrize("n", [1, 5, 40])
def test_crowded_names_are_moved_apart_and_keep_their_order(n):
    angles = np.sort(np.random.default_rng(n).uniform(0, 0.5, n))
    moved = _spread(angles, 0.06)
    assert np.diff(moved).min(initial=1) >= 0.06 - 1e-12
    assert moved.mean() == pytest.approx(angles.mean())


def test_names_with_room_stay_where_they_are():
    angles = np.array([0.1, 0.5, 1.0])
    np.testing.assert_allclose(_spread(angles, 0.1), angles)


def test_the_same_links_give_the_same_bytes(tmp_path):
    one, other = (save_figure(chord_diagram(make_links()), tmp_path / stem) for stem in "ab")
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]


def test_nothing_is_left_open_or_set_in_matplotlib():
    code = (
        "import matplotlib; matplotlib.use('agg'); before = dict(matplotlib.rcParams)\n"
        "from tests.unit.stats.plots.test_circos import *; chord_diagram(make_links())\n"
        "import matplotlib.pyplot as plt; import sys\n"
        "sys.exit(bool(plt.get_fignums()) or dict(matplotlib.rcParams) != before)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
