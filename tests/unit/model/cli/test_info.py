from __future__ import annotations

import numpy as np

from sequoia_model.cli.info import text_picture

HALVES = np.repeat(np.array([255, 0], np.uint8), 40)[None, :, None].repeat(40, 0).repeat(3, 2)


def test_dark_places_are_dark_characters():
    assert text_picture(HALVES, columns=8).splitlines() == ["    @@@@"] * 2


def test_half_blocks_show_two_rows_of_colours():
    lines = text_picture(np.swapaxes(HALVES, 0, 1), columns=2, colour=True).splitlines()
    assert len(lines) == 2
    assert lines[0] == "\x1b[38;2;255;255;255m\x1b[48;2;255;255;255m▀" * 2 + "\x1b[0m"
    assert lines[1] == "\x1b[38;2;0;0;0m\x1b[48;2;0;0;0m▀" * 2 + "\x1b[0m"
