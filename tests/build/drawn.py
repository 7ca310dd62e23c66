"""The contents of a figure, for tests of the numbers that it shows."""

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


def collection(axes, gid):
    """The collection of some axes with that gid."""
    (found,) = [item for item in axes.collections if item.get_gid() == gid]
    return found


def patches(axes, gid):
    """Patches of some axes whose gid has this beginning, by gid."""
    return {patch.get_gid(): patch for patch in axes.patches if str(patch.get_gid()).startswith(gid)}


def written(figure):
    """All texts of a figure that show a word; labels of ticks beyond the axis are not drawn."""
    from matplotlib.text import Text

    beyond = {
        label
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick, value in zip(axis.get_major_ticks(), axis.get_majorticklocs(), strict=True)
        for label in (tick.label1, tick.label2)
        if not min(axis.get_view_interval()) <= value <= max(axis.get_view_interval())
    }
    texts = figure.findobj(match=lambda item: isinstance(item, Text) and item.get_visible())
    return [text for text in texts if text.get_text().strip() and text not in beyond]


def overlapping(figure):
    """Pairs of texts that cover each other."""
    figure.draw_without_rendering()
    boxes = [(text.get_text(), text.get_window_extent()) for text in written(figure)]
    return [
        (a[0], b[0])
        for i, a in enumerate(boxes)
        for b in boxes[:i]
        if a[1].width * a[1].height and b[1].width * b[1].height and a[1].overlaps(b[1])
    ]


def beyond_the_edge(figure):
    """Texts that do not lie within the figure."""
    figure.draw_without_rendering()
    edge = figure.bbox.padded(0.5)
    boxes = {text.get_text(): text.get_window_extent() for text in written(figure)}
    return [
        word
        for word, box in boxes.items()
        if not (edge.contains(box.x0, box.y0) and edge.contains(box.x1, box.y1))
    ]
