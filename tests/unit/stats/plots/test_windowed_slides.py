import numpy as np

from sequoia_stats.plots import SlideWindows, slide_windows


def make_slide(name="S1", windows=1):
    thumbnail = np.zeros((20, 40, 3), dtype=np.uint8)
    corners = 0.1 * np.array([[2, 3], [3, 3], [3, 4]])
    places = 0.1 * np.array([[2, 3], [3, 3], [2, 4], [3, 4]])
    return SlideWindows(name, thumbnail, (2.0, 1.0), corners, 0.1, [places] * windows, 7)


def drawn(axes, gid):
    (found,) = (one for one in axes.collections if one.get_gid() == gid)
    return np.array([path.vertices[0] for path in found.get_paths()])


def test_tiles_are_squares_where_they_lie():
    (axes,) = slide_windows([make_slide()]).axes
    np.testing.assert_allclose(drawn(axes, "tiles"), make_slide().corners)


def test_holes_are_the_places_of_a_window_without_a_tile():
    (axes,) = slide_windows([make_slide()]).axes
    np.testing.assert_allclose(drawn(axes, "holes"), [[0.2, 0.4]])


def test_a_window_has_a_line_around_all_its_places():
    (axes,) = slide_windows([make_slide()]).axes
    (line,) = axes.lines
    np.testing.assert_allclose(
        [line.get_xdata().min(), line.get_xdata().max(), line.get_ydata().min(), line.get_ydata().max()],
        [0.2, 0.4, 0.3, 0.5],
    )


def test_every_slide_has_a_panel_with_its_numbers():
    figure = slide_windows([make_slide("S1"), make_slide("S2", windows=0)], title="Windows")
    assert [axes.get_label() for axes in figure.axes] == ["S1", "S2"]
    texts = [text.get_text() for text in figure.texts]
    assert texts == ["Windows", "S1", "3 tiles, 7 windows", "S2", "3 tiles, 7 windows"]
    assert not figure.axes[1].lines


def test_no_slide_is_said():
    texts = [text.get_text() for text in slide_windows([]).texts]
    assert any("no slides" in text for text in texts)
